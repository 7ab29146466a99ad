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

  /** The halves of a value that is known before the program runs: a number, or the address that it stands for. */
  constant(value: Exclude<Value, Slot>): readonly [low: number, high: number] {
    return typeof value === 'number' || typeof value === 'bigint'
      ? constantHalves(value)
      : [this.#address(value), 0]
  }

  #address(value: Exclude<Value, number | bigint | Slot>): number {
    if (typeof value === 'string') return this.text(value)
    if (value instanceof Uint8Array) return this.buffer(value)
    if ('addressOf' in value) return this.slot(value.addressOf)
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
    if (isSlot(value)) throw new Error('A structure cannot hold what a slot will hold')
    const [low, high] = this.constant(value)
    this.#bytes.setWord(address - this.#base, low)
    this.#bytes.setWord(address - this.#base + 4, high)
  }
}

/** Whether the value is what a slot holds when the program runs. */
export const isSlot = (value: Value): value is Slot => typeof value === 'object' && 'slot' in value

/** The halves of a number. */
export const constantHalves = (value: number | bigint): readonly [low: number, high: number] => {
  if (typeof value === 'bigint')
    return [Number(BigInt.asUintN(32, value)), Number(BigInt.asUintN(32, value >> 32n))]
  if (!Number.isSafeInteger(value)) throw new Error(`${value} is no argument for a system call`)
  return [lowHalf(value), highHalf(value)]
}
