import { ftruncateSync, readSync, writeSync } from 'node:fs'
import { StreamReader } from '../../bytes/stream-reader.js'
import { LadingError } from '../../spec/errors.js'
import type { Content, Contents } from '../content.js'
import type { ReadRow } from './part.js'

/** What somebody wants to know of the writing, and when. */
export interface WriteReport {
  advance(bytes: number): void
  /** To be asked now and then, and waited for: progress and signals get their turn, or it throws when it is to stop. */
  pause(): Promise<void> | undefined
}

type Regions = Pick<ReadRow, 'size' | 'storedSize' | 'fd' | 'offset' | 'extra'>

/**
 * Writes files' contents that lie in open files, holes as holes: copied without waiting for the event loop, which
 * takes longer than most files; it gets its turn in large ones.
 */
export class ContentCopier {
  readonly #report: WriteReport

  constructor(report: WriteReport) {
    this.#report = report
  }

  /** Into the new file `fd`; a promise where it takes a while. Throws TRUNCATED. */
  write(fd: number, file: Regions): Promise<void> | undefined {
    const { storedSize, offset, extra } = file
    if (extra?.sparse || storedSize > buffer.length) return this.#copy(fd, file)
    if (storedSize === 0) return
    fill(file.fd, buffer.subarray(0, storedSize), offset, storedSize, 0)
    writeWhole(fd, buffer.subarray(0, storedSize), 0)
    this.#report.advance(storedSize)
  }

  async #copy(fd: number, { size, storedSize, fd: from, offset, extra }: Regions): Promise<void> {
    let copied = 0
    for (const region of extra?.sparse ?? [{ offset: 0, length: storedSize }])
      for (let done = 0; done < region.length; ) {
        const piece = buffer.subarray(0, Math.min(buffer.length, region.length - done, storedSize - copied))
        if (piece.length === 0) throw tooShort(copied, copied + region.length - done)
        fill(from, piece, offset + copied, storedSize, copied)
        writeWhole(fd, piece, region.offset + done)
        done += piece.length
        copied += piece.length
        this.#report.advance(piece.length)
        if (copied % (buffer.length * 64) === 0) await this.#report.pause()
      }
    if (copied !== storedSize) throw tooShort(copied, storedSize)
    if (extra?.sparse) ftruncateSync(fd, size)
  }
}

/** Write a content that comes as a stream into the new file `fd`, holes as holes. Throws TRUNCATED. */
export const pourContent = async (
  fd: number,
  content: Content,
  contents: Pick<Contents, 'stored'>,
  { advance }: WriteReport,
): Promise<void> => {
  const { sparse, size, storedSize } = content.entry
  const reader = new StreamReader(contents.stored(content))
  let poured = 0
  try {
    for (const { offset, length } of sparse ?? [{ offset: 0, length: storedSize }]) {
      let at = offset
      for await (const chunk of reader.pass(length)) {
        writeWhole(fd, chunk, at)
        at += chunk.length
        poured += chunk.length
        advance(chunk.length)
      }
    }
  } finally {
    await reader.close()
  }
  if (poured !== storedSize) throw tooShort(poured, storedSize)
  if (sparse) ftruncateSync(fd, size)
}

/** What is read stays in the processor's caches until it is written. */
const buffer = Buffer.allocUnsafeSlow(256 * 1024)

/** Fill `piece`, which comes behind `before` bytes of `wanted`, from `offset` of the file. */
const fill = (fd: number, piece: Buffer, offset: number, wanted: number, before: number): void => {
  for (let filled = 0; filled < piece.length; ) {
    const count = readSync(fd, piece, filled, piece.length - filled, offset + filled)
    if (count === 0) throw tooShort(before + filled, wanted)
    filled += count
  }
}

const writeWhole = (fd: number, bytes: Uint8Array, at: number): void => {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done)
}

const tooShort = (found: number, wanted: number): LadingError =>
  new LadingError('TRUNCATED', `The content of a file ends after ${found} of ${wanted} bytes`, {
    data: { found, wanted },
  })
