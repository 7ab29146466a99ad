import { readSync, writeSync } from 'node:fs'
import { LadingError } from '../spec/errors.js'
import type { FileRange } from './byte-stream.js'

/**
 * Fill `buffer` from `offset` of the range, waiting for it: for threads, and for reads so short that a promise
 * costs more. Throws TRUNCATED: a file that shrinks must never leave bytes of old memory in an output.
 */
export const readNow = (file: FileRange, buffer: Uint8Array, offset: number): void => {
  for (let filled = 0; filled < buffer.length; ) {
    const count = readSync(file.fd, buffer, filled, buffer.length - filled, file.offset + offset + filled)
    if (count === 0)
      throw new LadingError(
        'TRUNCATED',
        `Ends after ${offset + filled} of ${file.length} bytes: the file is truncated`,
        { data: { found: offset + filled, wanted: file.length } },
      )
    filled += count
  }
}

/** Write all of `bytes` at `at`: a full disk or a signal may cut one call short. */
export const writeNow = (fd: number, bytes: Uint8Array, at: number): void => {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done)
}

/**
 * Read the range from its beginning to its end in pieces that fit the processor's caches. Each piece is only
 * good until the next one is read.
 */
export function* piecesOf(file: FileRange): Iterable<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(pieceLength, file.length))
  for (let at = 0; at < file.length; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, file.length - at))
    readNow(file, piece, at)
    yield piece
  }
}

const pieceLength = 256 * 1024
