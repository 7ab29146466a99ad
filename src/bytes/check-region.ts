import type { Digest } from '../spec/digest.js'
import { algorithmOf } from '../spec/digest.js'
import type { Assembly } from './assemble.js'
import type { FileRange } from './byte-stream.js'
import { cloneFile } from './clone-file.js'
import { hashBehind, Track } from './hash-behind.js'
import { createHasher } from './hasher.js'
import { piecesOf, writeNow } from './read-now.js'
import { settleAll } from './settle-all.js'
import { inThread, type Job, type JobOptions, StopFlag, worthAThread } from './threads.js'
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
  /** One thread is to copy, another to hash, close behind it, what was written. */
  readonly shared?: boolean
}

/**
 * Read a stretch of a file against its digest, and copy it if wanted: in a thread, unless it is small. Throws
 * SIZE_MISMATCH, DIGEST_MISMATCH (then the copy is there all the same, and wrong), TRUNCATED.
 */
export const checkRegion = async (check: RegionCheck, options: JobOptions = {}): Promise<void> => {
  if (check.file.length < worthAThread) {
    await job(check, { advance: options.onBytes ?? (() => {}), check: () => {} })
    return
  }
  if (check.shared && check.output) return checkShared({ ...check, output: check.output }, options)
  return inThread<RegionCheck, void>(new URL('./check-region.js', import.meta.url), check, options)
}

const checkShared = async (
  { file, wanted, what, output }: RegionCheck & Required<Pick<RegionCheck, 'output'>>,
  options: JobOptions,
): Promise<void> => {
  checkSize(file.length, wanted.size, what)
  const { stop = new StopFlag() } = options
  const track = new Track().memory
  const table = Float64Array.of(file.fd, file.offset, file.length)
  const assembly: Assembly = { table, literals: new Uint8Array(0), output, track }
  const followed = { ...output, length: file.length, track, algorithm: algorithmOf(wanted.digest) }
  const copied = inThread<Assembly, void>(new URL('./assemble.js', import.meta.url), assembly, {
    ...options,
    stop,
  })
  const hashed = hashBehind(followed, { stop })
  await settleAll<unknown>([copied, hashed], stop)
  checkDigest(await hashed, wanted.digest, what)
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
