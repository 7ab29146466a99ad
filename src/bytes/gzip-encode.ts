/**
 * Gzip on all cores: one ordinary member (RFC 1952, section 2.2), as one encoder would write it. Content is cut
 * into blocks of fixed length that are compressed side by side; each may refer back into the one before (its
 * last 32 KiB are the dictionary) and ends on a whole byte, so the results join to one deflate stream. Its bytes
 * depend on the content and the level, not on the number of threads or on how the stream was chunked.
 */
import type { ByteStream, FileRange } from './byte-stream.js'
import { combineCrc32 } from './crc32-combine.js'
import { deflateLimit as blockLength } from './deflate/encode.js'
import { type DeflatedBlock, type DeflateInput, job as deflate, windowLength } from './deflate/job.js'
import { inOrder } from './in-order.js'
import { pieces } from './pieces.js'
import { inThread, threadCount } from './threads.js'

/** Deflate with no flags, no time and no name; 255: on an unknown system. */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/** The last deflate block, an empty one (RFC 1951, section 3.2.6): those before it were not marked as last. */
const lastBlock = Uint8Array.of(3, 0)

/** Compress at `level`, 0 to 9. Throws what `stream` throws; a reader that stops early gives it back. */
export const encodeGzip = (stream: ByteStream, level: number): ByteStream =>
  joinBlocks(blocksOf(stream, level))

/**
 * The same of a stretch of a file, which threads read block by block. `onEnd` is told the CRC-32 of what they
 * read: whoever has checked the file by another reading can tell whether it was the same.
 */
export const encodeGzipFile = (file: FileRange, level: number, onEnd: (crc: number) => void): ByteStream =>
  joinBlocks(blocksOfFile(file, level), onEnd)

async function* joinBlocks(blocks: AsyncIterable<DeflateInput>, onEnd?: (crc: number) => void): ByteStream {
  let crc = 0
  let length = 0
  yield header.slice()
  for await (const block of inOrder(blocks, threadCount + 2, deflateBlock)) {
    crc = combineCrc32(crc, block.crc, block.length)
    length += block.length
    yield block.bytes
  }
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc)
  trailer.writeUInt32LE(length % 2 ** 32, 4)
  yield Buffer.concat([lastBlock, trailer])
  onEnd?.(crc)
}

async function* blocksOf(stream: ByteStream, level: number): AsyncGenerator<DeflateInput, void, undefined> {
  let before = new Uint8Array(0)
  for await (const content of pieces(stream, blockLength)) {
    const input = { content, before, level }
    // A copy: the block itself is handed over to a thread.
    before = content.slice(-windowLength)
    yield input
  }
}

async function* blocksOfFile(file: FileRange, level: number): AsyncGenerator<DeflateInput, void, undefined> {
  for (let at = 0; at < file.length; at += blockLength)
    yield { file, at, length: Math.min(blockLength, file.length - at), level }
}

const deflateBlock = async (input: DeflateInput): Promise<DeflatedBlock> => {
  const inFile = 'file' in input
  // All there is, or the end of it: not worth waking a thread.
  if ((inFile ? input.length : input.content.length) < blockLength) return deflate(input).output
  return inThread(jobModule, input, inFile ? {} : { transfer: [input.content.buffer, input.before.buffer] })
}

const jobModule = new URL('./deflate/job.js', import.meta.url)
