import type { ByteStream } from './byte-stream.js'

/**
 * A stream read by counts: so many bytes now, so many passed on, so many skipped. For parsers of formats that
 * say how long their parts are. What is asked for beyond the end is given as far as it goes.
 */
export class StreamReader {
  readonly #iterator: AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)
  /** Bytes given out so far. */
  offset = 0

  constructor(stream: ByteStream) {
    this.#iterator = stream[Symbol.asyncIterator]()
  }

  /** The next `length` bytes in one piece; fewer only at the end. */
  async take(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of this.pass(length)) pieces.push(piece)
    const [only] = pieces
    if (pieces.length === 1) return Buffer.from(only!.buffer, only!.byteOffset, only!.length)
    return Buffer.concat(pieces)
  }

  /** The next `length` bytes as they come. */
  async *pass(length: number): ByteStream {
    for (let left = length; left > 0; ) {
      if (this.#chunk.length === 0 && !(await this.#refill())) return
      const piece = this.#chunk.subarray(0, left)
      this.#chunk = this.#chunk.subarray(piece.length)
      this.offset += piece.length
      left -= piece.length
      yield piece
    }
  }

  /** Pass over `length` bytes; how many there were. */
  async skip(length: number): Promise<number> {
    const before = this.offset
    for await (const _ of this.pass(length));
    return this.offset - before
  }

  /** Give the stream back. */
  async close(): Promise<void> {
    await this.#iterator.return?.()
  }

  async #refill(): Promise<boolean> {
    const next = await this.#iterator.next()
    if (next.done) return false
    this.#chunk = next.value
    return next.value.length > 0 || this.#refill()
  }
}
