/** Hashing a file while another thread writes it: the digest is of what was written, whatever was read. */

import type { Digest, DigestAlgorithm } from '../spec/digest.js'
import type { FileRange } from './byte-stream.js'
import { createHasher } from './hasher.js'
import { readNow } from './read-now.js'
import { inThread, type Job, type JobOptions } from './threads.js'

/** How far a writer has got, in memory that threads share. */
export class Track {
  readonly memory: SharedArrayBuffer
  readonly #length: BigInt64Array

  constructor(memory = new SharedArrayBuffer(16)) {
    this.memory = memory
    this.#length = new BigInt64Array(memory)
  }

  /** The stretch is good up to here. */
  reach(length: number): void {
    Atomics.store(this.#length, 0, BigInt(length))
    Atomics.notify(this.#length, 0)
  }

  /** There comes no more. */
  end(): void {
    Atomics.store(this.#length, 1, 1n)
    Atomics.notify(this.#length, 0)
  }

  get ended(): boolean {
    return Atomics.load(this.#length, 1) === 1n
  }

  /** Wait until the stretch is longer than `length`, for at most a moment; how long it is. */
  beyond(length: number, milliseconds = moment): number {
    Atomics.wait(this.#length, 0, BigInt(length), milliseconds)
    return Number(Atomics.load(this.#length, 0))
  }
}

/** Milliseconds after which somebody who waits looks whether he is still wanted. */
const moment = 50

/** A stretch of a file that is being written. */
interface FollowedFile extends FileRange {
  /** Of the Track that its writer keeps. */
  readonly track: SharedArrayBuffer
  readonly algorithm: DigestAlgorithm
}

/**
 * The digest of a stretch of a file that a job writes which was started before: a thread waits for its writer.
 * Throws ABORTED when it is told to stop.
 */
export const hashBehind = (file: FollowedFile, options: JobOptions): Promise<Digest> =>
  inThread(new URL('./hash-behind.js', import.meta.url), file, options)

const pieceLength = 256 * 1024

export const job: Job<FollowedFile, Digest> = ({ track: memory, algorithm, ...file }, { check }) => {
  const track = new Track(memory)
  const hasher = createHasher(algorithm)
  const buffer = Buffer.allocUnsafeSlow(pieceLength)
  for (let at = 0, written = 0; at < file.length; ) {
    if (written <= at) {
      check()
      written = track.beyond(at)
      continue
    }
    const piece = buffer.subarray(0, Math.min(pieceLength, written - at))
    readNow(file, piece, at)
    hasher.update(piece)
    at += piece.length
  }
  return { output: hasher.digest() }
}
