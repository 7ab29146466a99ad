import type { ByteStream } from './byte-stream.js'

/** The same bytes; `onBytes` is told the length of each chunk as it passes. */
export async function* counted(stream: ByteStream, onBytes: (bytes: number) => void): ByteStream {
  for await (const chunk of stream) {
    onBytes(chunk.length)
    yield chunk
  }
}
