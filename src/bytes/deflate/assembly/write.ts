/** The writing of codes. */
import {
  distanceCodes,
  distanceRanges,
  distanceSymbols,
  input,
  lengthCodes,
  literalCodes,
  sequences,
  slotOf,
} from './memory'

/** Bits that do not fill a byte yet. */
export let rest: i32 = 0
export let restBits: i32 = 0

/**
 * Write the codes of the first `many` sequences, which stand for the input from `start` on, at `to`, behind `bitCount`
 * bits that are `bits`; where they end.
 */
export function write(to: i32, start: i32, many: i32, bits: i32, bitCount: i32): i32 {
  let out = to
  let from = input + start
  let word: u64 = bits
  let filled: u64 = bitCount
  const end = sequences + (many << 3)
  for (let next = sequences; next < end; next += 8) {
    const sequence = load<u64>(next)
    let run = <i32>sequence
    // Most runs are short: 3 literals at a time, those behind the end as no bits, cost less than branches.
    while (run > 0) {
      const bytes = load<u32>(from)
      const first = load<u32>(literalCodes + ((bytes & 0xff) << 2))
      const second = select<u32>(load<u32>(literalCodes + (((bytes >> 8) & 0xff) << 2)), 0, run > 1)
      const third = select<u32>(load<u32>(literalCodes + (((bytes >> 16) & 0xff) << 2)), 0, run > 2)
      word |= <u64>(first & 0xffffff) << filled
      filled += first >> 24
      word |= <u64>(second & 0xffffff) << filled
      filled += second >> 24
      word |= <u64>(third & 0xffffff) << filled
      filled += third >> 24
      store<u64>(out, word)
      out += <i32>(filled >> 3)
      word >>= filled & 56
      filled &= 7
      from += min(run, 3)
      run -= 3
    }
    const length = <i32>(sequence >> 48)
    if (length == 0) continue
    from += length
    // 7 + 20 + 15 + 13 bits at most.
    const lengthCode = load<u32>(lengthCodes + (length << 2))
    word |= <u64>(lengthCode & 0xffffff) << filled
    filled += lengthCode >> 24
    const distance = <i32>(sequence >> 32) & 0xffff
    const distanceSymbol = <i32>load<u8>(distanceSymbols + slotOf(distance))
    const distanceCode = load<u32>(distanceCodes + (distanceSymbol << 2))
    word |= <u64>(distanceCode & 0xffffff) << filled
    filled += distanceCode >> 24
    const range = load<u32>(distanceRanges + (distanceSymbol << 2))
    word |= <u64>(distance - (range & 0xffffff)) << filled
    filled += range >> 24
    store<u64>(out, word)
    out += <i32>(filled >> 3)
    word >>= filled & 56
    filled &= 7
  }
  rest = <i32>word
  restBits = <i32>filled
  return out
}
