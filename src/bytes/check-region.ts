import type { Digest } from '../spec/digest.js'
import { algorithmOf } from '../spec/digest.js'
import type { FileRange } from './byte-stream.js'
import { cloneFile } from './clone-file.js'
import { createHasher } from './hasher.js'
import { piecesOf, writeNow } from './read-now.js'
import { inThread, type Job, type JobOptions, worthAThread } from './threads.js'
import { checkDigest, checkSize } from './verified.js'

/** What bytes should be. */
export interface Wanted {
  readonly digest: Digest
  readonly size: number
}

/** Bytes in a file that should be what a digest says; `what` is for messages. */
export interface RegionCheck {
  readonly file: FileRange
  readonly wanted: Wanted
  readonly what: string
  /** Where they are copied to on the way. */
  readonly output?: { readonly fd: number; readonly offset: number }
}

/**
 * Read a stretch of a file against its digest, and copy it if wanted: in a thread, unless it is small. Throws
 * SIZE_MISMATCH, DIGEST_MISMATCH (then the copy is there all the same, and wrong), TRUNCATED.
 */
export const checkRegion = async (check: RegionCheck, options: JobOptions = {}): Promise<void> => {
  if (check.file.length >= worthAThread)
    return inThread<RegionCheck, void>(new URL('./check-region.js', import.meta.url), check, options)
  await job(check, { advance: options.onBytes ?? (() => {}), check: () => {} })
}

export const job: Job<RegionCheck, void> = async (
  { file: given, wanted, what, output },
  { advance, check },
) => {
  checkSize(given.length, wanted.size, what)
  const cloned = output?.offset === 0 && (await cloneFile(given, output.fd))
  // What was cloned is what is checked.
  const file = cloned ? { ...given, fd: output.fd } : given
  const hasher = createHasher(algorithmOf(wanted.digest))
  let at = output?.offset ?? 0
  for (const piece of piecesOf(file)) {
    check()
    hasher.update(piece)
    if (output && !cloned) writeNow(output.fd, piece, at)
    at += piece.length
    advance(piece.length)
  }
  checkDigest(hasher.digest(), wanted.digest, what)
  return { output: undefined }
}
