import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { highHalf, lowHalf } from './assembler.js'
import { GrowingBytes } from './growing-bytes.js'
import type { Slot, Value } from './program.js'

/**
 * The bytes that a program's arguments point to, each put down when it is first asked for, at an address that
 * never changes after. What is alike is there once: texts by what they say, slots by number, and buffers,
 * vectors and structures by identity, since the program may write to them.
 */
export class Data {
  readonly #bytes = new GrowingBytes()
  readonly #base: number
  readonly #texts = new Map<string, number>()
  readonly #slots = new Map<number, number>()
  readonly #objects = new Map<object, number>()

  /** `base`: the address of the first byte; a multiple of 8. */
  constructor(base: number) {
    this.#base = base
  }

  /** Address of the text, ended by a NUL. */
  text(text: string): number {
    const known = this.#texts.get(text)
    if (known !== undefined) return known
    // The kernel would read the text only up to there: another path or argument than what was checked.
    if (text.includes('\0'))
      throw new LadingError('USAGE', `The text "${visible(text)}" has a NUL byte, which no system call takes`)
    const address = this.#base + this.#bytes.text(text)
    this.#bytes.byte(0)
    this.#texts.set(text, address)
    return address
  }

  /** Address of the 8 bytes of a slot; 0 at the start. */
  slot({ slot }: Slot): number {
    return this.#once(this.#slots, slot, () => this.#room(8))
  }

  /** The address that a value stands for; undefined for those that are numbers or what a slot holds. */
  address(value: Value): number | undefined {
    if (typeof value === 'string') return this.text(value)
    if (typeof value !== 'object' || 'slot' in value) return undefined
    if ('addressOf' in value) return this.slot(value.addressOf)
    if (value instanceof Uint8Array) return this.buffer(value)
    if ('vector' in value) return this.#vector(value.vector)
    return this.#once(this.#objects, value, () => {
      const at = this.#room(value.struct.length)
      this.#bytes.written().set(value.struct, at - this.#base)
      for (const pointer of value.pointers) this.#setNumber(at + pointer.at, pointer.to)
      return at
    })
  }

  buffer(bytes: Uint8Array): number {
    return this.#once(this.#objects, bytes, () => {
      const at = this.#room(bytes.length)
      this.#bytes.written().set(bytes, at - this.#base)
      return at
    })
  }

  finish(): Buffer {
    return this.#bytes.written()
  }

  #vector(texts: readonly string[]): number {
    return this.#once(this.#objects, texts, () => {
      const at = this.#room(8 * (texts.length + 1))
      for (const [index, text] of texts.entries()) this.#setNumber(at + 8 * index, text)
      return at
    })
  }

  #once<Key>(known: Map<Key, number>, key: Key, make: () => number): number {
    let address = known.get(key)
    if (address === undefined) {
      address = make()
      known.set(key, address)
    }
    return address
  }

  #room(length: number): number {
    this.#bytes.align(8)
    return this.#base + this.#bytes.reserve(length)
  }

  #setNumber(address: number, value: Value): void {
    const halves = constantHalves(value)
    const [low, high] = halves ?? [this.address(value), 0]
    if (low === undefined) throw new Error('A structure cannot hold what a slot will hold')
    this.#bytes.setWord(address - this.#base, low)
    this.#bytes.setWord(address - this.#base + 4, high)
  }
}

/** The halves of a value that is a number. */
export const constantHalves = (value: Value): readonly [low: number, high: number] | undefined => {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new Error(`${value} is no argument for a system call`)
    return [lowHalf(value), highHalf(value)]
  }
  if (typeof value === 'bigint')
    return [Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n))]
  return undefined
}
