import { LadingError } from '../spec/errors.js'
import type { ByteStream } from './byte-stream.js'

/** All of a stream, in memory. Throws LIMIT_EXCEEDED as soon as it is longer than `max` bytes. */
export const collect = async (
  stream: ByteStream,
  { max, what }: { max: number; what: string },
): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (length > max)
      throw new LadingError('LIMIT_EXCEEDED', `Cannot read ${what}: it is longer than ${max} bytes`, {
        data: { what, limit: max },
      })
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

/** Read a stream to its end for what reading it checks. */
export const drain = async (stream: ByteStream): Promise<void> => {
  for await (const _ of stream);
}
