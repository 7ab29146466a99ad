import type { Digest } from '../spec/digest.js'
import { limits } from '../spec/limits.js'
import type { FileRange } from './byte-stream.js'
import type { Wanted } from './check-region.js'
import { decompressOnce } from './decompress.js'
import { fileSource } from './file-source.js'
import { writeNow } from './read-now.js'
import { inThread, type Job, type JobOptions } from './threads.js'
import { verified } from './verified.js'

/** Compressed bytes in a file; `what` is for messages. */
export interface RegionInflation {
  readonly file: FileRange
  readonly wanted: Wanted
  /** Of what they inflate to. */
  readonly diffId: Digest
  readonly what: string
  /** A new file that the inflated bytes go into, from its beginning. */
  readonly output: number
}

/**
 * Inflate a stretch of a file into another file, in a thread, both sides checked; how many bytes it became.
 * Throws SIZE_MISMATCH, DIGEST_MISMATCH, and what is wrong with the compression.
 */
export const inflateRegion = (inflation: RegionInflation, options: JobOptions = {}): Promise<number> =>
  inThread(new URL('./inflate-region.js', import.meta.url), inflation, options)

export const job: Job<RegionInflation, number> = async (
  { file, wanted, diffId, what, output },
  { advance, check },
) => {
  const stored = verified(fileSource(file).stream(), wanted, what)
  const { stream } = await decompressOnce(stored, { what, maxBytes: limits.uncompressedLayer })
  let size = 0
  for await (const chunk of verified(stream, { digest: diffId }, `the uncompressed bytes of ${what}`)) {
    check()
    writeNow(output, chunk, size)
    size += chunk.length
    advance(chunk.length)
  }
  return { output: size }
}
