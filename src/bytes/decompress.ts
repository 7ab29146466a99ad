/**
 * Decompression of what nobody promised to be compressed. The first bytes are looked at, not the name or the
 * media type. Each stage is a stream: memory does not grow, a reader that stops early stops all of it. Bombs
 * are stopped by an absolute limit on the output and, past limits.bombFloor, by the ratio.
 *
 * Zeros behind the last member, frame or stream are padding (not behind bzip2, where nobody writes them); anything
 * else is an error, where gzip(1) only warns: bytes that no reader sees are bytes lost.
 */
import { LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { ByteStream } from './byte-stream.js'
import { counted } from './counted.js'
import { peek } from './peek.js'
import { type Compression, sniffCompression, sniffLength } from './sniff.js'

export interface Decompressed {
  readonly stream: ByteStream
  /** Outermost first; empty where nothing was compressed. */
  readonly compressions: readonly Exclude<Compression, 'none'>[]
}

export interface DecompressOptions {
  /** What it is, for messages. */
  readonly what: string
  /** Of the uncompressed output; limits.uncompressedLayer if absent. */
  readonly maxBytes?: number
}

/** Undo every compression that is around the content. Throws LIMIT_EXCEEDED for more than four. */
export const decompress = async (stream: ByteStream, options: DecompressOptions): Promise<Decompressed> => {
  const compressions: Exclude<Compression, 'none'>[] = []
  let current = stream
  for (;;) {
    const { head, stream: whole } = await peek(current, sniffLength)
    const compression = sniffCompression(head)
    if (compression === 'none') return { stream: whole, compressions }
    if (compressions.length === limits.compressionNesting) {
      await whole[Symbol.asyncIterator]().return?.()
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Cannot inflate ${options.what}: more than ${limits.compressionNesting} compressions around one another`,
      )
    }
    compressions.push(compression)
    current = inflate(whole, compression, options)
  }
}

/** Undo one compression, if there is one: a layer has one at most, by the specification. */
export const decompressOnce = async (
  stream: ByteStream,
  options: DecompressOptions,
): Promise<{ stream: ByteStream; compression: Compression }> => {
  const { head, stream: whole } = await peek(stream, sniffLength)
  const compression = sniffCompression(head)
  return { compression, stream: compression === 'none' ? whole : inflate(whole, compression, options) }
}

async function* inflate(
  stream: ByteStream,
  compression: Exclude<Compression, 'none'>,
  { what, maxBytes = limits.uncompressedLayer }: DecompressOptions,
): ByteStream {
  let read = 0
  let written = 0
  const source = counted(stream, bytes => {
    read += bytes
  })
  try {
    for await (const chunk of await decoders[compression](source)) {
      written += chunk.length
      if (written > maxBytes) throw tooMuch(what, `inflates to more than ${maxBytes} bytes`)
      if (written > limits.bombFloor && written > read * limits.compressionRatio)
        throw tooMuch(what, `inflates more than ${limits.compressionRatio} times`)
      yield chunk
    }
  } catch (error) {
    throw explain(error, compression, what, read)
  }
}

// Loaded only for what is compressed: most archives are not.
const decoders: Record<Exclude<Compression, 'none'>, (stream: ByteStream) => Promise<ByteStream>> = {
  gzip: async stream => (await import('./gzip-decode.js')).decodeGzip(stream),
  zstd: async stream => (await import('./zstd-decode.js')).decodeZstd(stream),
  bzip2: async stream => (await import('./bzip2-decode.js')).decodeBzip2(stream),
  xz: async stream => (await import('./xz-decode.js')).decodeXz(stream),
}

const tooMuch = (what: string, problem: string): LadingError =>
  new LadingError('LIMIT_EXCEEDED', `Cannot inflate ${what}: it ${problem}`, { data: { what } })

/** zlib's words and those of the other decoders as one of two things that can be wrong. */
const explain = (error: unknown, compression: Compression, what: string, read: number): unknown => {
  if (error instanceof LadingError)
    return /^(?:Ends inside|Bad zstd|Bad xz)/.test(error.message)
      ? new LadingError(error.code, `Cannot inflate ${what}: ${error.message}`, {
          data: error.data,
          cause: error,
        })
      : error
  // fzstd's codes are numbers.
  const { code, message } = error as { code?: unknown; message: string }
  const data = { what, compression, read }
  if (code === 'Z_BUF_ERROR' || /unexpected end/i.test(message))
    return new LadingError(
      'TRUNCATED',
      `Cannot inflate ${what}: the ${compression} data ends after ${read} compressed bytes: it is truncated`,
      { data, cause: error },
    )
  if (typeof code === 'string' && code.startsWith('E')) return error
  return new LadingError(
    'BAD_COMPRESSION',
    `Cannot inflate ${what}: bad ${compression} data within the first ${read} bytes (${message})`,
    { data, cause: error },
  )
}
