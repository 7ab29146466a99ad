/** Bytes that are written one after the other, little-endian, into a buffer that grows. */
export class GrowingBytes {
  #buffer: Buffer
  #view: DataView
  length = 0

  constructor(room = 16384) {
    this.#buffer = Buffer.alloc(room)
    this.#view = viewOf(this.#buffer)
  }

  /** Make room for `count` bytes, zero, at the end; their offset. */
  reserve(count: number): number {
    const at = this.length
    this.length += count
    if (this.length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.length, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
      this.#view = viewOf(larger)
    }
    return at
  }

  byte(value: number): void {
    const at = this.reserve(1)
    this.#buffer[at] = value
  }

  /** Modulo 2^32, so of either sign. */
  word(value: number): void {
    this.setWord(this.reserve(4), value)
  }

  /**
   * The lowest `length` bytes of `start`, 1 to 4, those above being zero; and behind them a word, if there is one.
   * For instructions: a program has thousands.
   */
  put(start: number, length: number, word?: number): void {
    const at = this.length
    const end = at + length + (word === undefined ? 0 : 4)
    // What is written beyond the end is zero.
    if (at + 8 > this.#buffer.length) this.reserve(8)
    this.#view.setUint32(at, start, true)
    if (word !== undefined) this.#view.setUint32(at + length, word, true)
    this.length = end
  }

  bytes(value: Uint8Array): number {
    const at = this.reserve(value.length)
    this.#buffer.set(value, at)
    return at
  }

  /** As UTF-8. */
  text(value: string): number {
    const at = this.reserve(Buffer.byteLength(value))
    this.#buffer.write(value, at)
    return at
  }

  align(to: number): void {
    this.reserve((to - (this.length % to)) % to)
  }

  setWord(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  /** What was written so far; a view, which the next write may leave behind. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }
}

/** Its setters are builtin: this code mostly runs once, before it is compiled. */
const viewOf = (buffer: Buffer): DataView => new DataView(buffer.buffer, buffer.byteOffset, buffer.length)
