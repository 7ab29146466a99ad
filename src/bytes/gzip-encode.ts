/**
 * Gzip on all cores: one ordinary member (RFC 1952, section 2.2), as one encoder would write it. Content is cut
 * into blocks of fixed length that are compressed side by side; each may refer back into the one before (its
 * last 32 KiB are the dictionary) and ends on a whole byte, so the results join to one deflate stream. Its bytes
 * depend on the content and the level, not on the number of threads or on how the stream was chunked.
 */
import { crc32 } from 'node:zlib'
import type { ByteStream } from './byte-stream.js'
import { deflateLimit } from './deflate/encode.js'
import { type DeflateInput, job as deflate } from './deflate/job.js'
import { inOrder } from './in-order.js'
import { pieces } from './pieces.js'
import { inThread, threadCount } from './threads.js'

/** Long enough that what each block costs besides does not count, short enough that a few in flight do not. */
const blockLength = deflateLimit

/** How far back deflate can refer. */
const windowLength = 1 << 15

/** Deflate with no flags, no time and no name; 255: on an unknown system. */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/** The last deflate block, an empty one (RFC 1951, section 3.2.6): those before it were not marked as last. */
const lastBlock = Uint8Array.of(3, 0)

/** Compress at `level`, 0 to 9. Throws what `stream` throws; a reader that stops early gives it back. */
export async function* encodeGzip(stream: ByteStream, level: number): ByteStream {
  let crc = 0
  let length = 0
  async function* blocks(): AsyncGenerator<DeflateInput, void, undefined> {
    let before = new Uint8Array(0)
    for await (const content of pieces(stream, blockLength)) {
      crc = crc32(content, crc)
      length += content.length
      const input = { content, before, level }
      // A copy: the block itself is handed over to a thread.
      before = content.slice(-windowLength)
      yield input
    }
  }
  yield header.slice()
  yield* inOrder(blocks(), threadCount + 2, deflateBlock)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc)
  trailer.writeUInt32LE(length % 2 ** 32, 4)
  yield Buffer.concat([lastBlock, trailer])
}

const deflateBlock = async (input: DeflateInput): Promise<Uint8Array> => {
  // All there is, or the end of it: not worth waking a thread.
  if (input.content.length < blockLength) return deflate(input).output
  return inThread(jobModule, input, { transfer: [input.content.buffer, input.before.buffer] })
}

const jobModule = new URL('./deflate/job.js', import.meta.url)
