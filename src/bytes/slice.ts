import { LadingError } from '../spec/errors.js'
import type { ByteRange, ByteSource } from './byte-stream.js'

/** `range` if it lies within `size` bytes. Throws TRUNCATED: whoever asks for more was promised more. */
export const checkedRange = (range: ByteRange, size: number): ByteRange => {
  if (range.offset >= 0 && range.length >= 0 && range.offset + range.length <= size) return range
  throw new LadingError(
    'TRUNCATED',
    `Ends after ${size} bytes, wanted ${range.length} bytes at ${range.offset}`,
    {
      data: { size, ...range },
    },
  )
}

/** A stretch of a source as a source of its own. It keeps `file` where there is one. Throws TRUNCATED. */
export const slice = (source: ByteSource, range: ByteRange): ByteSource => {
  const { offset, length } = checkedRange(range, source.size)
  const within = (inner: ByteRange): ByteRange => {
    checkedRange(inner, length)
    return { offset: offset + inner.offset, length: inner.length }
  }
  return {
    size: length,
    stream: (inner = { offset: 0, length }) => source.stream(within(inner)),
    read: inner => source.read(within(inner)),
    ...(source.file && { file: { fd: source.file.fd, offset: source.file.offset + offset, length } }),
  }
}
