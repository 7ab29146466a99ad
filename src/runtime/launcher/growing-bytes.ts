/** Bytes that are written one after the other, little-endian, into a buffer that grows. */
export class GrowingBytes {
  #buffer: Buffer
  length = 0

  constructor(room = 8192) {
    this.#buffer = Buffer.alloc(room)
  }

  /** Make room for `count` bytes, zero, at the end; their offset. */
  reserve(count: number): number {
    const at = this.length
    this.length += count
    if (this.length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.length, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, at)
      this.#buffer = larger
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

  getWord(at: number): number {
    return this.#buffer.readUInt32LE(at)
  }

  setWord(at: number, value: number): void {
    this.#buffer.writeInt32LE(value | 0, at)
  }

  /** What was written so far; a view, which the next write may leave behind. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.length)
  }
}
