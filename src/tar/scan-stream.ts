import type { TarRequest } from './protocol.js'
import { readTar, type TarEvents, type TarMachine } from './reader.js'

/** The tar reader for a loop that has the bytes in its hands anyway: hashing, copying. Content is passed over. */
export class TarScanner {
  readonly #machine: TarMachine
  /** What the machine wants next; undefined once it is done. */
  #request: TarRequest | undefined
  #skipped = 0
  #partial: Buffer[] = []
  #have = 0

  constructor(events: TarEvents) {
    this.#machine = readTar(events)
    this.#advance(this.#machine.next())
  }

  /** The next bytes of the tar, any number of them. Throws what readTar throws. */
  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    for (let at = 0; this.#request !== undefined && at < bytes.length; ) {
      const { skip, take } = this.#request
      const pass = Math.min(skip - this.#skipped, bytes.length - at)
      this.#skipped += pass
      at += pass
      if (this.#skipped < skip) return
      const piece = bytes.subarray(at, at + take - this.#have)
      at += piece.length
      if (this.#have + piece.length < take) {
        // Kept beyond this call, so a copy.
        this.#partial.push(Buffer.from(piece))
        this.#have += piece.length
        return
      }
      this.#answer(this.#have === 0 ? piece : Buffer.concat([...this.#partial, piece]))
    }
  }

  /** There are no more bytes. Throws TRUNCATED if there should have been. */
  end(): void {
    while (this.#request !== undefined) {
      const missing = this.#request.skip - this.#skipped
      this.#answer(missing > 0 ? missing : Buffer.concat(this.#partial))
    }
  }

  #answer(answer: Buffer | number): void {
    this.#partial = []
    this.#have = 0
    this.#skipped = 0
    this.#advance(this.#machine.next(answer))
  }

  #advance(step: IteratorResult<TarRequest, void>): void {
    this.#request = step.done ? undefined : step.value
  }
}
