import { createGzip } from 'node:zlib'
import { LadingError } from '../spec/errors.js'
import type { ByteStream } from './byte-stream.js'
import { StreamReader } from './stream-reader.js'
import { through } from './through.js'

export interface CompressOptions {
  readonly algorithm: 'gzip' | 'zstd'
  /** gzip 0–9 (6), zstd 1–19 (3). */
  readonly level?: number
}

/** Compress. The same bytes at the same level give the same output: no time, no name, no system in the header. */
export const compress = (stream: ByteStream, { algorithm, level }: CompressOptions): ByteStream =>
  algorithm === 'gzip' ? gzip(stream, checked(level ?? 6, 0, 9)) : zstd(stream, checked(level ?? 3, 1, 19))

const checked = (level: number, least: number, most: number): number => {
  if (Number.isInteger(level) && level >= least && level <= most) return level
  throw new LadingError('USAGE', `Bad compression level ${level}: wanted ${least} to ${most}`)
}

async function* gzip(stream: ByteStream, level: number): ByteStream {
  let header = true
  // At level 0 zlib's blocks are as long as what it is given.
  const even = level === 0 ? pieces(stream) : stream
  for await (const chunk of through(even, createGzip({ level, chunkSize: 1 << 20 }))) {
    // RFC 1952: byte 9 is the system; zlib writes the one it was built for. 255 is "unknown".
    if (header) chunk[9] = 255
    header = false
    yield chunk
  }
}

async function* pieces(stream: ByteStream): ByteStream {
  const reader = new StreamReader(stream)
  try {
    for (;;) {
      const piece = await reader.take(1 << 20)
      if (piece.length === 0) return
      yield piece
    }
  } finally {
    await reader.close()
  }
}

// Frames of this much content: what the encoder in WebAssembly does at a time.
const frameLength = 4 << 20

async function* zstd(stream: ByteStream, level: number): ByteStream {
  const reader = new StreamReader(stream)
  const encode = await zstdEncoder(level)
  try {
    for (let first = true; ; first = false) {
      const content = await reader.take(frameLength)
      if (content.length === 0 && !first) return
      yield encode(content)
    }
  } finally {
    await reader.close()
  }
}

let encoder: Promise<(content: Uint8Array, level: number) => Uint8Array> | undefined

const zstdEncoder = async (level: number): Promise<(content: Uint8Array) => Uint8Array> => {
  encoder ??= loadEncoder()
  const encode = await encoder
  return content => encode(content, level)
}

/** Once a process: a second init makes an encoder that writes what no decoder reads. */
const loadEncoder = async () => {
  const wasm = await import('@bokuweb/zstd-wasm').catch(cause => {
    throw new LadingError(
      'MISSING_LIBRARY',
      'Cannot write zstd: the package @bokuweb/zstd-wasm is not installed',
      { cause },
    )
  })
  await wasm.init()
  return (content: Uint8Array, level: number): Uint8Array => wasm.compress(content as Buffer, level)
}
