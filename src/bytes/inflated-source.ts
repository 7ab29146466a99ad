import { LadingError } from '../spec/errors.js'
import type { ByteRange, ByteSource, ByteStream } from './byte-stream.js'
import { collect } from './collect.js'
import { decompress } from './decompress.js'
import { checkedRange } from './slice.js'
import { StreamReader } from './stream-reader.js'

/**
 * What a compressed source inflates to, `size` bytes, without keeping it anywhere: each reading inflates from
 * the start again. Slow for many small reads; made for a few long ones.
 */
export const inflatedSource = (compressed: ByteSource, size: number, what: string): ByteSource => {
  async function* stream(range: ByteRange = { offset: 0, length: size }): ByteStream {
    const { offset, length } = checkedRange(range, size)
    const reader = new StreamReader((await decompress(compressed.stream(), { what })).stream)
    try {
      await reader.skip(offset)
      yield* reader.pass(length)
      if (reader.offset < offset + length)
        throw new LadingError(
          'TRUNCATED',
          `Cannot read ${what}: it inflates to ${reader.offset} bytes, wanted ${size}`,
          { data: { found: reader.offset, wanted: size } },
        )
    } finally {
      await reader.close()
    }
  }
  return { size, stream, read: range => collect(stream(range), { max: range.length, what }) }
}
