const slabLength = 1 << 20
/** Longer pieces are not worth the copy. */
const short = 64 << 10

/** Pieces of an output one after the other, short ones put together: few long writes take less time than many short ones. */
export class GatheredBytes {
  length = 0
  #pieces: Uint8Array[] = []
  /** Memory for short pieces, and what of it is no piece yet. */
  #slab: Buffer | undefined
  #start = 0
  #end = 0
  /** Slabs that pieces are in, and such as nobody reads any more: fresh memory costs as much as what goes through it. */
  #used: Buffer[] = []
  readonly #spare: Buffer[] = []

  add(bytes: Uint8Array): void {
    if (bytes.length <= short) this.#room(bytes.length).set(bytes)
    else this.#addLong(bytes)
  }

  /** Add what `fill` fills in at once. */
  fill(length: number, fill: (target: Uint8Array) => void): void {
    if (length <= slabLength) fill(this.#room(length))
    else {
      const bytes = Buffer.allocUnsafeSlow(length)
      fill(bytes)
      this.#addLong(bytes)
    }
  }

  /** All pieces; it is empty then. `release` when they have been read: their memory is used again. */
  take(): { readonly pieces: readonly Uint8Array[]; release(): void } {
    this.#close()
    const [pieces, used] = [this.#pieces, this.#used]
    this.#pieces = []
    this.#used = []
    this.#slab = undefined
    this.length = 0
    return { pieces, release: () => void this.#spare.push(...used) }
  }

  #addLong(bytes: Uint8Array): void {
    this.#close()
    this.#pieces.push(bytes)
    this.length += bytes.length
  }

  #room(length: number): Uint8Array {
    if (this.#slab === undefined || this.#end + length > slabLength) {
      this.#close()
      this.#slab = this.#spare.pop() ?? Buffer.allocUnsafeSlow(slabLength)
      this.#used.push(this.#slab)
      this.#start = 0
      this.#end = 0
    }
    const start = this.#end
    this.#end += length
    this.length += length
    return this.#slab.subarray(start, this.#end)
  }

  #close(): void {
    if (this.#slab && this.#end > this.#start) this.#pieces.push(this.#slab.subarray(this.#start, this.#end))
    this.#start = this.#end
  }
}
