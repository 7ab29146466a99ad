/** What a search finds: sequences, and how often each symbol occurs in them. */
import { distanceSymbols, distances, input, lengthSymbols, literals, sequences, slotOf } from './memory'

/** How many sequences there are. */
export let count: i32 = 0

/** Where the literals begin that belong to no sequence yet, and how many symbols the block may still have. */
export let pending: i32 = 0
export let room: i32 = 0

let next: i32 = 0

// @ts-ignore: a decorator of AssemblyScript
@inline function countOne(table: i32, symbol: i32): void {
  const counter = table + (symbol << 2)
  store<i32>(counter, load<i32>(counter) + 1)
}

/** A block of `most` symbols and few more begins at `place`. */
// @ts-ignore
@inline export function beginSequences(place: i32, most: i32): void {
  pending = place
  room = most
  next = sequences
}

/** Count what becomes a literal; it is written with the sequence that ends behind it. */
// @ts-ignore
@inline export function countLiteral(byte: i32): void {
  countOne(literals, byte)
}

/** Count the bytes from `place` to `end` as literals. */
// @ts-ignore
@inline export function countLiterals(place: i32, end: i32): void {
  for (; place < end; place++) countOne(literals, load<u8>(input + place))
}

/** End the literals before a match, and take it. */
// @ts-ignore
@inline export function takeMatch(place: i32, length: i32, distance: i32): void {
  store<u64>(next, <u64>(place - pending) | (<u64>(distance - 1) << 32) | (<u64>length << 48))
  next += 8
  room -= place - pending + 1
  pending = place + length
  countOne(literals, load<u16>(lengthSymbols + (length << 1)))
  countOne(distances, load<u8>(distanceSymbols + slotOf(distance - 1)))
}

/** The block ends at `place`, with literals or with none. */
// @ts-ignore
@inline export function endSequences(place: i32): void {
  store<u64>(next, place - pending)
  count = (next + 8 - sequences) >> 3
}
