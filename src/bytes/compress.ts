import { LadingError } from '../spec/errors.js'
import type { ByteStream, FileRange } from './byte-stream.js'
import { encodeGzip, encodeGzipFile } from './gzip-encode.js'
import { encodeZstd } from './zstd-encode.js'

export interface CompressOptions {
  readonly algorithm: 'gzip' | 'zstd'
  /** gzip 0–9 (6), zstd 1–19 (3). */
  readonly level?: number
}

/**
 * Compress. The same bytes at the same level give the same output: no time, no name, no system in the header, no
 * trace of how many threads worked on it. Throws USAGE for a level that there is not.
 */
export const compress = (stream: ByteStream, { algorithm, level }: CompressOptions): ByteStream =>
  algorithm === 'gzip'
    ? encodeGzip(stream, checked(level ?? 6, 0, 9))
    : encodeZstd(stream, checked(level ?? 3, 1, 19))

/** The same by gzip of a stretch of a file, as encodeGzipFile has it. Throws USAGE. */
export const compressFile = (
  file: FileRange,
  level: number | undefined,
  onEnd: (crc: number) => void,
): ByteStream => encodeGzipFile(file, checked(level ?? 6, 0, 9), onEnd)

const checked = (level: number, least: number, most: number): number => {
  if (Number.isInteger(level) && level >= least && level <= most) return level
  throw new LadingError('USAGE', `Bad compression level ${level}: wanted ${least} to ${most}`)
}
