import bitIterator from 'unbzip2-stream/lib/bit_iterator.js'
import blocks from 'unbzip2-stream/lib/bzip2.js'
import type { ByteStream } from './byte-stream.js'

/**
 * bzip2, all streams of it, block by block. The package's own stream decodes all that it holds at once: 1.5 kB
 * that inflate to 2 GB were 2 GB in memory before anyone could count them. A block is 47 MB at the most
 * (900,000 bytes, of which each 5 may stand for 259).
 */
export async function* decodeBzip2(stream: ByteStream): ByteStream {
  const queue: Uint8Array[] = []
  let given = 0
  let bits: ReturnType<typeof bitIterator> | undefined
  // 0: a stream header comes next.
  let level = 0
  let crc: number | null = 0
  const table = new Int32Array(900_000)
  const unread = (): number => given - (bits?.bytesRead ?? 0)
  const next = (): readonly Buffer[] => {
    bits ??= bitIterator(() => queue.shift() ?? ended())
    if (level === 0) {
      level = blocks.header(bits)
      crc = 0
      return []
    }
    const output = new Output()
    crc = blocks.decompress(bits, output.add, table, 100_000 * level, crc)
    // null: that was the end of a stream.
    if (crc === null) level = 0
    return output.finish()
  }
  for await (const chunk of stream) {
    queue.push(Uint8Array.from(chunk))
    given += chunk.length
    // No block is longer: 20 bits a symbol, and its tables.
    while (unread() >= 25_000 + 250_000 * level) yield* next()
  }
  while (unread() > 0) yield* next()
  if (level !== 0) ended()
}

const ended = (): never => {
  throw new Error('unexpected end')
}

const pieceLength = 1 << 20

/** Gathers single bytes. */
class Output {
  readonly #pieces: Buffer[] = []
  #piece = Buffer.alloc(pieceLength)
  #length = 0

  readonly add = (byte: number): void => {
    if (this.#length === pieceLength) {
      this.#pieces.push(this.#piece)
      this.#piece = Buffer.alloc(pieceLength)
      this.#length = 0
    }
    this.#piece[this.#length++] = byte
  }

  finish(): readonly Buffer[] {
    return this.#length === 0 ? this.#pieces : [...this.#pieces, this.#piece.subarray(0, this.#length)]
  }
}
