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
    if (native) yield* through(cutFrames(reader), native({ chunkSize: 1 << 20 }))
    else while (await findFrame(reader)) yield* decodeInScript(cutFrame(reader))
  } finally {
    await reader.close()
  }
}

/**
 * The pieces of all frames. Node's decoder ends for good when a write goes on behind the end of a frame; no piece
 * does. One decoder for all: zstd:chunked has a frame for each small file, and a pipeline for each costs seconds.
 */
async function* cutFrames(reader: StreamReader): ByteStream {
  while (await findFrame(reader)) yield* cutFrame(reader)
}

/** Pass over skippable frames and padding; whether a frame follows, whose magic is then read. */
const findFrame = async (reader: StreamReader): Promise<boolean> => {
  for (;;) {
    const start = await reader.take(4)
    if (start.length === 0) return false
    if (start.equals(magic)) return true
    if (start.length === 4 && start.readUInt32LE() >>> 4 === 0x0184d2a5) await skipFrame(reader)
    else if (start.length < 4 && start.equals(magic.subarray(0, start.length))) throw truncated(reader)
    else if (start.some(byte => byte !== 0))
      throw bad(reader, `found ${start.toString('hex')}, wanted the start of a frame`)
  }
}

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

/** The bytes of one frame, its magic included: a piece for each block, with what stands around it. */
async function* cutFrame(reader: StreamReader): ByteStream {
  const descriptor = await exactly(reader, 1)
  const flags = descriptor[0]!
  if (flags & 8) throw bad(reader, 'found the reserved bit set')
  const single = (flags & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][flags & 3]!
  const contentSize = [single ? 1 : 0, 2, 4, 8][flags >> 6]!
  const rest = Buffer.from(await exactly(reader, (single ? 0 : 1) + dictionary + contentSize))
  const afterWindow = rest.subarray(single ? 0 : 1)
  if (afterWindow.subarray(0, dictionary).some(byte => byte !== 0)) throw wantsDictionary(reader)
  checkWindow(
    reader,
    single ? readLittle(afterWindow.subarray(dictionary), contentSize) : windowSize(rest[0]!),
  )
  let before: readonly Buffer[] = [magic, descriptor, rest]
  for (let last = false; !last; ) {
    const header = await exactly(reader, 3)
    const value = header.readUIntLE(0, 3)
    last = (value & 1) === 1
    const type = (value >> 1) & 3
    const length = value >> 3
    if (type === 3) throw bad(reader, 'found a block of the reserved type')
    if (length > blockLimit)
      throw bad(reader, `found a block of ${length} bytes, at most ${blockLimit} are allowed`)
    // fzstd fills a window with zeros for each frame: one that is a single block needs no larger one.
    if (before.length > 0 && last && !single) rest[0] = Math.min(rest[0]!, 7 << 3)
    const content = await exactly(reader, type === 1 ? 1 : length)
    const checksum = last && flags & 4 ? [await exactly(reader, 4)] : []
    yield Buffer.concat([...before, header, content, ...checksum])
    before = []
  }
}

const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** Of one block, compressed or not. */
const blockLimit = 128 * 1024

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
      `Bad zstd before byte ${reader.offset}: the frame wants a window of ${size} bytes, at most ${limits.compressionWindow} are allowed`,
    )
}

const wantsDictionary = (reader: StreamReader): LadingError =>
  new LadingError('UNSUPPORTED', `Bad zstd before byte ${reader.offset}: the frame wants a dictionary`)

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
