import { readSync } from 'node:fs'
import type { FileRange } from '../bytes/byte-stream.js'
import { blockSize } from './header.js'
import { farApart, type PlainLane } from './plain-lane.js'

/** Several small files fit, and copying this much out of the page cache takes a few preads' time. */
const windowLength = 32 * 1024

/** Where headers are closer together than this, in bytes on average, a window is cheaper than a pread each. */
const closeTogether = 8000

/**
 * Headers out of a file, by synchronous preads into one buffer: a promise would cost more than the read. Among
 * large files one block a read, so that their content is not touched; among small ones a window.
 */
export class HeaderWindow {
  readonly #file: FileRange
  readonly #bytes = Buffer.allocUnsafeSlow(windowLength)
  readonly #words = new Int32Array(this.#bytes.buffer)
  /** What of the file is in the buffer. */
  #start = 0
  #length = 0
  /** Where the last block was that was asked for, and how far they have lain apart lately. */
  #last = 0
  #distance = farApart

  constructor(file: FileRange) {
    this.#file = file
  }

  /** Run `lane` from the offset `at` on; gives the offset where it stopped. */
  run(lane: PlainLane, at: number): number {
    for (;;) {
      if (!this.#load(at, blockSize)) return at
      lane.distance = this.#distance
      const next =
        this.#start + lane.run(this.#bytes, this.#words, this.#length, this.#start, at - this.#start)
      this.#distance = lane.distance
      if (next === at) return at
      at = next
      this.#last = at
    }
  }

  /** The bytes at `offset`, good until the next call; undefined if the file gives fewer. */
  read(offset: number, length: number): Buffer | undefined {
    this.#distance += (Math.min(offset - this.#last, farApart) - this.#distance) >> 3
    this.#last = offset
    if (length > windowLength) {
      const large = Buffer.allocUnsafeSlow(length)
      return this.#pread(large, offset, length) === length ? large : undefined
    }
    if (!this.#load(offset, length)) return undefined
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length)
  }

  /** Whether `length` bytes from `offset` on are in the buffer now. */
  #load(offset: number, length: number): boolean {
    if (offset >= this.#start && offset + length <= this.#start + this.#length) return true
    const wanted = this.#distance < closeTogether ? windowLength : length
    this.#start = offset
    this.#length = this.#pread(this.#bytes, offset, Math.min(wanted, this.#file.length - offset))
    return this.#length >= length
  }

  #pread(into: Buffer, offset: number, length: number): number {
    return length > 0 ? readSync(this.#file.fd, into, 0, length, this.#file.offset + offset) : 0
  }
}
