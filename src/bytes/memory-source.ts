import type { ByteSource } from './byte-stream.js'
import { checkedRange } from './slice.js'

/** Bytes in memory as a ByteSource. */
export const memorySource = (bytes: Uint8Array): ByteSource => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const cut = (range = { offset: 0, length: buffer.length }) => {
    const { offset, length } = checkedRange(range, buffer.length)
    return buffer.subarray(offset, offset + length)
  }
  return {
    size: buffer.length,
    async *stream(range) {
      yield cut(range)
    },
    read: async range => cut(range),
  }
}
