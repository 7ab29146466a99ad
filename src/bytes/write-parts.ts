import { write as writeCallback } from 'node:fs'
import { promisify } from 'node:util'
import { type Assembly, assemble } from './assemble.js'
import { checkRegion } from './check-region.js'
import { GatheredBytes } from './gathered-bytes.js'
import {
  type FilePart,
  type FillPart,
  isFilePart,
  isFillPart,
  isStreamPart,
  type Part,
  type Parts,
  type StreamPart,
} from './parts.js'
import { settleAll } from './settle-all.js'
import { inThread, StopFlag, threadCount, worthAThread } from './threads.js'

const write = promisify(writeCallback)

/** Of an output that a thread puts together at a time. */
const batchLength = 8 << 20
/** Of bytes at hand: what is still in the processor's caches is written soonest. */
const bytesLength = 1 << 20

/**
 * Write all parts into the file `fd` (open for reading too) from its beginning; how many bytes it was. What lies in files is copied by
 * threads, side by side, each stretch to where it belongs. Throws what reading and checking the parts throws;
 * nothing is written any more when this is settled.
 */
export const writeParts = async (fd: number, parts: Parts): Promise<number> => {
  const writer = new PartWriter(fd)
  try {
    if (Symbol.iterator in parts) {
      // No promise for each of a hundred thousand parts.
      for (const part of parts) {
        const adding = writer.add(part)
        if (adding) await adding
      }
    } else for await (const part of parts) await writer.add(part)
    writer.flush(true)
  } catch (error) {
    writer.stop.raise()
    await Promise.allSettled(writer.works)
    throw error
  }
  await settleAll([...writer.works], writer.stop)
  return writer.length
}

class PartWriter {
  readonly stop = new StopFlag()
  /** What is being written. */
  readonly works = new Set<Promise<void>>()
  length = 0
  readonly #fd: number
  /** The batch at hand: where it begins, its pieces. */
  #start = 0
  #table: number[] = []
  readonly #literals = new GatheredBytes()

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Take the part; gives something to wait for when too much is on its way. Throws what has failed. */
  add(part: Part): Promise<void> | undefined {
    if (isStreamPart(part)) return this.#addStream(part)
    if (isFillPart(part)) this.#addFill(part)
    else if (!isFilePart(part)) this.#addBytes(part)
    else if (part.check) this.#copyChecked(part)
    else this.#addFile(part)
    return this.#keepUp()
  }

  async #addStream({ stream }: StreamPart): Promise<void> {
    for await (const chunk of stream) {
      this.#addBytes(chunk)
      await this.#keepUp()
    }
  }

  #addFill({ length, fill }: FillPart): void {
    this.#count(length)
    this.#literals.fill(length, fill)
  }

  #addBytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#count(bytes.length)
    this.#literals.add(bytes)
  }

  /** So many bytes more at hand. */
  #count(length: number): void {
    const table = this.#table
    if (table.at(-3) === -1) table[table.length - 1]! += length
    else table.push(-1, this.#literals.length, length)
    this.length += length
  }

  #addFile({ fd, offset, length }: FilePart): void {
    for (let done = 0; done < length; ) {
      const count = Math.min(batchLength, length - done)
      this.#table.push(fd, offset + done, count)
      this.length += count
      done += count
      if (this.length - this.#start >= batchLength) this.flush(false)
    }
  }

  #copyChecked({ check, passed, fd, offset, length }: FilePart): void {
    this.flush(false)
    const output = { fd: this.#fd, offset: this.length }
    this.length += length
    this.#start = this.length
    const { stop } = this
    this.#launch(
      checkRegion(
        { file: { fd, offset, length }, ...check!, output },
        { stop, ...(passed && { onBytes: passed }) },
      ),
    )
  }

  #keepUp(): Promise<void> | undefined {
    const length = this.length - this.#start
    if (length >= (this.#literals.length === length ? bytesLength : batchLength)) this.flush(false)
    return this.works.size >= 2 * threadCount ? this.#wait() : undefined
  }

  async #wait(): Promise<void> {
    while (this.works.size >= 2 * threadCount) await Promise.race(this.works)
  }

  /** Write what has gathered; the `last` batch of a small output needs no thread. */
  flush(last: boolean): void {
    const table = Float64Array.from(this.#table)
    const length = this.length - this.#start
    const onlyBytes = this.#literals.length === length
    const { pieces, release } = this.#literals.take()
    const output = { fd: this.#fd, offset: this.#start }
    const isSmall = last && length < worthAThread && this.works.size === 0
    this.#start = this.length
    this.#table = []
    if (table.length === 0) return
    if (onlyBytes) {
      this.#launch(writeBytes(output, pieces).then(release))
      return
    }
    // Handed over to the thread: what is copied there waits here for a collection.
    const literals = Buffer.allocUnsafeSlow(pieces.reduce((sum, piece) => sum + piece.length, 0))
    let at = 0
    for (const piece of pieces) {
      literals.set(piece, at)
      at += piece.length
    }
    release()
    const assembly: Assembly = { table, literals, output }
    const { stop } = this
    if (isSmall) assemble(assembly, { advance: () => {}, check: () => {} })
    else {
      const options = { stop, transfer: [literals.buffer] }
      this.#launch(inThread<Assembly, void>(new URL('./assemble.js', import.meta.url), assembly, options))
    }
  }

  #launch(work: Promise<void>): void {
    this.works.add(work)
    // A failure stays in the set, for whoever waits for it.
    work.then(
      () => this.works.delete(work),
      () => this.stop.raise(),
    )
  }
}

const writeBytes = async (
  { fd, offset }: { fd: number; offset: number },
  pieces: readonly Uint8Array[],
): Promise<void> => {
  let at = offset
  for (const bytes of pieces)
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await write(fd, bytes, done, bytes.length - done, at)
      done += bytesWritten
      at += bytesWritten
    }
}
