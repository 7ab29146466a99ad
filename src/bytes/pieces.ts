import type { ByteStream } from './byte-stream.js'
import { StreamReader } from './stream-reader.js'

/**
 * A stream in pieces of `length` bytes, only the last one shorter, however it came in; none of an empty stream.
 * A piece may be a view of what the stream gave: copy what has to outlive the next one.
 */
export async function* pieces(stream: ByteStream, length: number): AsyncGenerator<Buffer, void, undefined> {
  const reader = new StreamReader(stream)
  try {
    for (;;) {
      const piece = await reader.take(length)
      if (piece.length > 0) yield piece
      if (piece.length < length) return
    }
  } finally {
    await reader.close()
  }
}
