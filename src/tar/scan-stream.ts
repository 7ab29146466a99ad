import { blockSize } from './header.js'
import { PlainLane } from './plain-lane.js'
import type { TarRequest } from './protocol.js'
import { readTar, type TarEvents, type TarMachine } from './reader.js'

/** The tar reader for a loop that has the bytes in its hands anyway: hashing, copying. Content is passed over. */
export class TarScanner {
  readonly #machine: TarMachine
  readonly #lane: PlainLane | undefined
  /** What the machine wants next; undefined once it is done. */
  #request: TarRequest | undefined
  /** Bytes still to be passed over before that. */
  #skip = 0
  #partial: Buffer[] = []
  #have = 0
  /** Bytes of the tar in all chunks before this one. */
  #origin = 0

  constructor(events: TarEvents) {
    this.#lane = events.plain && new PlainLane(events.plain)
    this.#machine = readTar(events, this.#lane)
    this.#advance(this.#machine.next())
  }

  /** The next bytes of the tar, any number of them. Throws what readTar throws. */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const words = wordsOf(bytes)
    for (let at = 0; this.#request !== undefined && at < bytes.length; ) {
      const pass = Math.min(this.#skip, bytes.length - at)
      this.#skip -= pass
      at += pass
      if (this.#skip > 0 || at === bytes.length) break
      if (this.#lane && this.#request.fresh && this.#have === 0) {
        const next = this.#lane.run(bytes, at % 4 === 0 ? words : undefined, bytes.length, this.#origin, at)
        this.#skip = next - at
        // The next header is behind this chunk: the last path must outlast it.
        if (next > at && next + blockSize > bytes.length) this.#lane.keepPath()
        if (this.#skip > 0) continue
      }
      const { take } = this.#request
      const piece = bytes.subarray(at, at + take - this.#have)
      at += piece.length
      if (this.#have + piece.length < take) {
        // Kept beyond this call, so a copy.
        this.#partial.push(Buffer.from(piece))
        this.#have += piece.length
        break
      }
      this.#answer(this.#have === 0 ? piece : Buffer.concat([...this.#partial, piece]))
    }
    this.#origin += bytes.length
  }

  /** There are no more bytes. Throws TRUNCATED if there should have been. */
  end(): void {
    while (this.#request !== undefined)
      this.#answer(this.#skip > 0 ? this.#skip : Buffer.concat(this.#partial))
  }

  #answer(answer: Buffer | number): void {
    this.#partial = []
    this.#have = 0
    this.#advance(this.#machine.next(answer))
  }

  #advance(step: IteratorResult<TarRequest, void>): void {
    this.#request = step.done ? undefined : step.value
    this.#skip = this.#request?.skip ?? 0
  }
}

/** Undefined where the memory is not aligned. */
const wordsOf = ({ buffer, byteOffset, length }: Buffer): Int32Array | undefined =>
  byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, length >> 2) : undefined
