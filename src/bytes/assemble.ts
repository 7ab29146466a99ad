/**
 * A stretch of an output put together from many small pieces: headers, and contents out of files. Where pieces
 * follow one another in a file with little between (the files of a layer, with their headers), they are read
 * together; what goes out goes out in large writes.
 */
import type { FileRange } from './byte-stream.js'
import { Track } from './hash-behind.js'
import { readNow, writeNow } from './read-now.js'
import type { Job, JobContext } from './threads.js'

/** Pieces as triples in `table`: descriptor (−1: of `literals`), offset, length. */
export interface Assembly {
  readonly table: Float64Array
  readonly literals: Uint8Array
  /** Where the first piece goes. */
  readonly output: { readonly fd: number; readonly offset: number }
  /** Of a Track: somebody reads what is written here, close behind. */
  readonly track?: SharedArrayBuffer
}

const stagingLength = 1 << 20
const windowLength = 512 * 1024
/** A gap this short is read along: one header and the padding before it, or two. */
const shortGap = 2048

/** A buffer that is made when it is first asked for. */
const onceOf = (length: number): (() => Buffer) => {
  let buffer: Buffer | undefined
  return () => {
    buffer ??= Buffer.allocUnsafeSlow(length)
    return buffer
  }
}

/** Throws TRUNCATED for a file that has become shorter, and what the file system says. */
export const assemble = (
  { table, literals, output, track }: Assembly,
  { advance, check }: JobContext,
): void => {
  const staging = buffers.staging()
  let staged = 0
  let at = output.offset
  const written = track && new Track(track)
  const flush = () => {
    check()
    writeNow(output.fd, staging.subarray(0, staged), at)
    advance(staged)
    at += staged
    staged = 0
    written?.reach(at - output.offset)
  }
  const window = new Window(table, buffers.window())
  for (let row = 0; row < table.length; row += 3) {
    const [fd, length] = [table[row]!, table[row + 2]!]
    let offset = table[row + 1]!
    const end = offset + length
    while (offset < end) {
      if (staged === staging.length) flush()
      const room = Math.min(staging.length - staged, end - offset)
      const bytes = fd < 0 ? literals.subarray(offset, offset + room) : window.read(row, offset, room)
      staging.set(bytes, staged)
      staged += bytes.length
      offset += bytes.length
    }
  }
  flush()
}

/** Of each thread, made once: new memory for each job would cost as much as what is done in it. */
const buffers = { staging: onceOf(stagingLength), window: onceOf(windowLength) }

export const job: Job<Assembly, void> = (assembly, context) => {
  assemble(assembly, context)
  return { output: undefined }
}

/** What was read last of a file. */
class Window {
  readonly #table: Float64Array
  readonly #buffer: Buffer
  #fd = -1
  #start = 0
  #end = 0

  constructor(table: Float64Array, buffer: Buffer) {
    this.#table = table
    this.#buffer = buffer
  }

  /** At most `length` bytes from `offset` of the file of `row`, at least one. */
  read(row: number, offset: number, length: number): Uint8Array {
    const fd = this.#table[row]!
    if (fd !== this.#fd || offset < this.#start || offset >= this.#end) {
      const wanted = Math.min(windowLength, this.#runEnd(row) - offset)
      const file: FileRange = { fd, offset, length: wanted }
      this.#end = 0
      readNow(file, this.#buffer.subarray(0, wanted), 0)
      this.#fd = fd
      this.#start = offset
      this.#end = offset + wanted
    }
    const from = offset - this.#start
    return this.#buffer.subarray(from, from + Math.min(length, this.#end - offset))
  }

  /** Where the run of pieces ends that begins at `row`: literals between them do not count. */
  #runEnd(row: number): number {
    const table = this.#table
    const fd = table[row]!
    let end = table[row + 1]! + table[row + 2]!
    for (let next = row + 3; next < table.length && end - table[row + 1]! < windowLength; next += 3) {
      if (table[next]! < 0) continue
      const offset = table[next + 1]!
      if (table[next] !== fd || offset < end || offset - end > shortGap) break
      end = offset + table[next + 2]!
    }
    return end
  }
}
