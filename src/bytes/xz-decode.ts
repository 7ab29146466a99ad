import xz from 'xz-decompress'
import { LadingError } from '../spec/errors.js'
import type { ByteStream } from './byte-stream.js'

/**
 * xz, all streams of it, through XZ Embedded as WebAssembly. The package's own stream lets one reading wait
 * until another is over, so that xz inside xz, or two layers read side by side, wait for ever: its module is
 * driven by hand here, a fresh instance for each reading, whose memory goes with it.
 */
export async function* decodeXz(stream: ByteStream): ByteStream {
  const decoder = new Decoder(await instantiate())
  for await (const chunk of stream)
    for (let at = 0; at < chunk.length; ) {
      at += decoder.supply(chunk.subarray(at))
      while (decoder.hasInput()) yield decoder.step().output
    }
  decoder.supply(new Uint8Array(0))
  for (let done = false; !done; ) {
    const { output, finished } = decoder.step()
    done = finished
    yield output
  }
}

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  create_context(): number
  supply_input(context: number, length: number): void
  get_next_output(context: number): number
}

/** What the package keeps to itself; its version is pinned. */
const library = xz.XzReadableStream as unknown as {
  _getModuleInstance(): Promise<void>
  _moduleInstance: { readonly exports: Exports }
}

let last: Promise<unknown> = Promise.resolve()

/** One after the other: the package leaves each new instance in the same place. */
const instantiate = (): Promise<Exports> => {
  const made = last.then(async () => {
    await library._getModuleInstance()
    return library._moduleInstance.exports
  })
  last = made.catch(() => {})
  return made
}

/** Of the words that a context begins with. */
const word = { bufferLength: 0, input: 1, inputAt: 2, inputLength: 3, output: 4, outputLength: 5 } as const

class Decoder {
  readonly #exports: Exports
  readonly #context: number

  constructor(exports: Exports) {
    this.#exports = exports
    this.#context = exports.create_context()
  }

  /** Give it as many bytes as it takes; only when it has none left. */
  supply(bytes: Uint8Array): number {
    const words = this.#words()
    const length = Math.min(bytes.length, words[word.bufferLength]!)
    new Uint8Array(this.#exports.memory.buffer).set(bytes.subarray(0, length), words[word.input]!)
    this.#exports.supply_input(this.#context, length)
    return length
  }

  hasInput(): boolean {
    const words = this.#words()
    return words[word.inputAt] !== words[word.inputLength]
  }

  step(): { output: Uint8Array; finished: boolean } {
    const code = this.#exports.get_next_output(this.#context)
    if (code > 1) throw failure(code)
    const words = this.#words()
    const start = words[word.output]!
    const output = new Uint8Array(this.#exports.memory.buffer).slice(start, start + words[word.outputLength]!)
    words[word.outputLength] = 0
    return { output, finished: code === 1 }
  }

  /** Anew each time: memory that has grown is another buffer. */
  #words(): Uint32Array {
    return new Uint32Array(this.#exports.memory.buffer, this.#context, 6)
  }
}

/** By XZ Embedded's enum xz_ret. */
const failure = (code: number): Error => {
  if (code === 3 || code === 4)
    return new LadingError(
      'LIMIT_EXCEEDED',
      'Bad xz: it wants a larger dictionary than the decoder allows (64 MiB)',
    )
  if (code === 2 || code === 6)
    return new LadingError(
      'UNSUPPORTED',
      'Bad xz: it uses a filter or a check that the decoder does not know',
    )
  if (code === 8) return new Error('unexpected end')
  return new Error(code === 5 ? 'no xz header where one should be' : 'corrupt data')
}
