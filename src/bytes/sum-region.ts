import { crc32 } from 'node:zlib'
import type { Digest } from '../spec/digest.js'
import type { FileRange } from './byte-stream.js'
import { createHasher } from './hasher.js'
import { piecesOf } from './read-now.js'
import { inThread, type Job, type JobOptions } from './threads.js'

export interface RegionSums {
  readonly digest: Digest
  readonly crc: number
}

/** The sha256 digest and the CRC-32 of a stretch of a file, by one reading, in a thread. Throws TRUNCATED. */
export const sumRegion = (file: FileRange, options: JobOptions = {}): Promise<RegionSums> =>
  inThread(new URL('./sum-region.js', import.meta.url), file, options)

export const job: Job<FileRange, RegionSums> = (file, { advance, check }) => {
  const hasher = createHasher()
  let crc = 0
  for (const piece of piecesOf(file)) {
    check()
    hasher.update(piece)
    crc = crc32(piece, crc)
    advance(piece.length)
  }
  return { output: { digest: hasher.digest(), crc } }
}
