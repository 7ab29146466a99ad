import { blockSize, blocks } from './header.js'
import { PlainHeader } from './plain-header.js'

/** From here on one distance between headers is as far as another. */
export const farApart = 32 * 1024

/** What is told of a plain header: it counts until the call returns, so whoever wants to keep it copies. */
export type PlainSink = (header: PlainHeader, offset: number) => void

/**
 * The fast lane beside reader.ts: a driver with bytes at hand where an entry may begin takes all plain headers
 * from them at once, and gives the reader the first block that is none. The reader then takes over `offset`
 * and so on, as if it had read them itself.
 */
export class PlainLane {
  readonly #sink: PlainSink
  readonly #header = new PlainHeader()
  /** Whether anything was taken since the reader last looked. */
  taken = false
  /** Behind the last header that was taken, in the tar. */
  offset = 0
  /** Its content in bytes, without padding. */
  size = 0
  /** Its path, for messages; kept when asked to. */
  path: Buffer | undefined
  /** Bytes from header to header, a moving average, each up to `farApart`. */
  distance = farApart

  constructor(sink: PlainSink) {
    this.#sink = sink
  }

  /**
   * Take the headers that lie whole in the first `length` of `bytes`, from `at` on. `words` as in
   * PlainHeader.read; `origin` is where bytes[0] lies in the tar. Returns where in `bytes` the next header is:
   * one that is not plain, or not whole, or past them all.
   */
  run(bytes: Uint8Array, words: Int32Array | undefined, length: number, origin: number, at: number): number {
    const header = this.#header
    const sink = this.#sink
    let next = at
    while (next + blockSize <= length && header.read(bytes, words, next)) {
      sink(header, origin + next)
      const distance = blockSize + blocks(header.size)
      this.distance += (Math.min(distance, farApart) - this.distance) >> 3
      next += distance
    }
    if (next > at) {
      this.taken = true
      this.offset = origin + header.at + blockSize
      this.size = header.size
    }
    return next
  }

  /** Note the last path while its bytes are there: they are about to go, or the tar ends within that entry. */
  keepPath(): void {
    if (this.taken) this.path = this.#header.path()
  }
}
