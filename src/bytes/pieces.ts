import type { ByteStream } from './byte-stream.js'
import { StreamReader } from './stream-reader.js'

/**
 * A stream in pieces of `length` bytes, only the last one shorter, however it came in; none of an empty stream.
 * Each is a copy in memory of its own, which can be handed to a thread.
 */
export async function* pieces(
  stream: ByteStream,
  length: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  const reader = new StreamReader(stream)
  try {
    for (;;) {
      const piece = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
      let filled = 0
      for await (const chunk of reader.pass(length)) {
        piece.set(chunk, filled)
        filled += chunk.length
      }
      if (filled > 0) yield piece.subarray(0, filled)
      if (filled < length) return
    }
  } finally {
    await reader.close()
  }
}
