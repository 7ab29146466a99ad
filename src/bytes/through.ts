import { pipeline, Readable, type Transform } from 'node:stream'
import type { ByteStream } from './byte-stream.js'

/**
 * A stream through one of Node's transforms. An error on either side ends the iteration; a reader that stops
 * early destroys both.
 */
export async function* through(stream: ByteStream, transform: Transform): ByteStream {
  // The callback is there because pipeline wants one: the iteration below throws what it would be told.
  pipeline(Readable.from(stream, { objectMode: false, highWaterMark: 1 << 20 }), transform, () => {})
  yield* transform as AsyncIterable<Buffer>
}
