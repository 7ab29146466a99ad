/**
 * Zstandard (RFC 8878), frame by frame. The decoders read one frame well but differ in what they make of
 * several, of skippable frames between them (zstd:chunked has its own table of contents in one) and of huge
 * windows; so frames are cut here, which the format allows without decoding: a header of known length, blocks
 * that say how long they are, a checksum. A window above limits.compressionWindow is refused before anything
 * is allocated for it; a frame that ends early is TRUNCATED with the offset.
 */

import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import { Decompress } from 'fzstd'
import { LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { ByteStream } from './byte-stream.js'
import { StreamReader } from './stream-reader.js'
import { through } from './through.js'

// From Node 22.15; the types of Node 20 do not know it.
const native = (zlib as { createZstdDecompress?: (options: { chunkSize: number }) => Transform })
  .createZstdDecompress

export async function* decodeZstd(stream: ByteStream): ByteStream {
  const reader = new StreamReader(stream)
  try {
    for (;;) {
      const magic = await reader.take(4)
      if (magic.length === 0) return
      if (magic.length === 4 && magic.readUInt32LE() >>> 4 === 0x0184d2a5) await skipFrame(reader)
      else if (magic.length === 4 && magic.readUInt32LE() === 0xfd2fb528)
        yield* decodeFrame(cutFrame(reader, magic))
      else if (magic.every(byte => byte === 0)) continue
      else throw bad(reader, `found ${magic.toString('hex')}, wanted the start of a frame`)
    }
  } finally {
    await reader.close()
  }
}

const decodeFrame = (frame: ByteStream): ByteStream =>
  native ? through(frame, native({ chunkSize: 1 << 20 })) : decodeInScript(frame)

async function* decodeInScript(frame: ByteStream): ByteStream {
  const ready: Uint8Array[] = []
  const decoder = new Decompress(data => {
    if (data.length > 0) ready.push(data)
  })
  for await (const piece of frame) {
    decoder.push(piece)
    yield* ready.splice(0)
  }
  decoder.push(new Uint8Array(0), true)
  yield* ready
}

const skipFrame = async (reader: StreamReader): Promise<void> => {
  const length = (await exactly(reader, 4)).readUInt32LE()
  if ((await reader.skip(length)) < length) throw truncated(reader)
}

/** The bytes of one frame, its magic included. */
async function* cutFrame(reader: StreamReader, magic: Buffer): ByteStream {
  const descriptor = await exactly(reader, 1)
  const flags = descriptor[0]!
  const single = (flags & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][flags & 3]!
  const contentSize = [single ? 1 : 0, 2, 4, 8][flags >> 6]!
  const rest = await exactly(reader, (single ? 0 : 1) + dictionary + contentSize)
  checkWindow(reader, single ? readLittle(rest.subarray(dictionary), contentSize) : windowSize(rest[0]!))
  yield Buffer.concat([magic, descriptor, rest])
  for (let last = false; !last; ) {
    const header = await exactly(reader, 3)
    const value = header.readUIntLE(0, 3)
    last = (value & 1) === 1
    const type = (value >> 1) & 3
    if (type === 3) throw bad(reader, 'found a block of the reserved type')
    const content = await exactly(reader, type === 1 ? 1 : value >> 3)
    yield Buffer.concat([header, content])
  }
  if (flags & 4) yield await exactly(reader, 4)
}

const windowSize = (byte: number): number => {
  const base = 2 ** (10 + (byte >> 3))
  return base + (base / 8) * (byte & 7)
}

const readLittle = (bytes: Buffer, length: number): number =>
  length === 8
    ? Number(bytes.readBigUInt64LE())
    : length === 2
      ? bytes.readUInt16LE() + 256
      : bytes.readUIntLE(0, length)

const checkWindow = (reader: StreamReader, size: number): void => {
  if (size > limits.compressionWindow)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Cannot inflate zstd: the frame at ${reader.offset} wants a window of ${size} bytes, at most ${limits.compressionWindow} are allowed`,
    )
}

const exactly = async (reader: StreamReader, length: number): Promise<Buffer> => {
  const bytes = await reader.take(length)
  if (bytes.length < length) throw truncated(reader)
  return bytes
}

const truncated = (reader: StreamReader): LadingError =>
  new LadingError(
    'TRUNCATED',
    `Ends inside a zstd frame, after ${reader.offset} compressed bytes: it is truncated`,
    {
      data: { found: reader.offset },
    },
  )

const bad = (reader: StreamReader, problem: string): LadingError =>
  new LadingError('BAD_COMPRESSION', `Bad zstd before byte ${reader.offset}: ${problem}`, {
    data: { offset: reader.offset },
  })
