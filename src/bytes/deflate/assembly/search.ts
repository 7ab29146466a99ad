/**
 * The two inner loops of the deflate encoder, in AssemblyScript: the search for matches and the writing of codes.
 * What calls them, and what the memory holds, is in ../engine.ts. The build compiles this into search.wasm beside
 * that; for the other compiler and the linter, which know neither its types nor its decorators, it is not there.
 *
 * The search keeps, for every 4 bytes seen, a chain of the places where they stand, the nearest first (as zlib
 * does), and for 3 bytes the last place only, those inside of matches left out for speed. It calculates with
 * integers alone: the result is the same on every machine.
 */

const windowLength: i32 = 32768
const maxLength: i32 = 258

// Tables of the search. Places are offsets into the input.
const heads: i32 = 0x1000
const shortHeads: i32 = heads + 4 * 65536
const previous: i32 = shortHeads + 4 * 32768

/** u32 each: a literal as its byte, a match as `length << 16 | distance - 1`. There is room for few more than `most`. */
export const symbols: i32 = previous + 4 * windowLength
/** i32 each, by symbol: how often it occurs. */
export const literals: i32 = symbols + 4 * 65536
export const distances: i32 = literals + 4 * 288
/** u16 each, by length of a match; u8 each, by distance as in ../symbols.ts: their symbols. */
export const lengthSymbols: i32 = distances + 4 * 32
export const distanceSymbols: i32 = lengthSymbols + 2 * 260
/** u32 each, bits in the low 24 and their count above: by literal, by length (with extra bits), by distance symbol. */
export const literalCodes: i32 = distanceSymbols + 512
export const lengthCodes: i32 = literalCodes + 4 * 288
export const distanceCodes: i32 = lengthCodes + 4 * 260
/** u32 each, by distance symbol: its least distance - 1, and above 24 bits the count of its extra bits. */
export const distanceRanges: i32 = distanceCodes + 4 * 32

/** 1 MiB + 32 KiB and some bytes that may be read but do not matter. */
export const input: i32 = 0x100000
/** Up to the end of memory. */
export const output: i32 = 0x210000

/** Where the search stands, and how many symbols it has found. */
let at: i32 = 0
export let count: i32 = 0

/** Bits that do not fill a byte yet. */
export let rest: i32 = 0
export let restBits: i32 = 0

// @ts-ignore: a decorator of AssemblyScript
@inline function headOf(bytes: u32): i32 {
  return heads + (((bytes * 2654435761) >> 16) << 2)
}

// @ts-ignore
@inline function shortHeadOf(bytes: u32): i32 {
  return shortHeads + ((((bytes << 8) * 2654435761) >> 17) << 2)
}

// @ts-ignore
@inline function chainOf(place: i32): i32 {
  return previous + ((place & (windowLength - 1)) << 2)
}

// @ts-ignore
@inline function insert(place: i32): void {
  const bytes = load<u32>(input + place)
  const head = headOf(bytes)
  store<i32>(chainOf(place), load<i32>(head))
  store<i32>(head, place)
}

// @ts-ignore
@inline function countOne(table: i32, symbol: i32): void {
  const counter = table + (symbol << 2)
  store<i32>(counter, load<i32>(counter) + 1)
}

/** How many bytes are the same, 4 of them known to be; may be more than `limit`. */
// @ts-ignore
@inline function lengthOf(one: i32, other: i32, limit: i32): i32 {
  let length = 4
  while (length < limit) {
    const difference = load<u64>(one + length) ^ load<u64>(other + length)
    if (difference != 0) return length + <i32>(ctz(difference) >> 3)
    length += 8
  }
  return length
}

/** Forget all, then learn what stands in the input before `start`. */
export function begin(start: i32, end: i32): void {
  // Far below zero: too far away from everywhere.
  memory.fill(heads, 0x80, 4 * (65536 + 32768))
  for (let place = 0; place < start && place <= end - 4; place++) insert(place)
  at = start
}

/**
 * Find symbols for the input up to `end`, or `most` of them and few more; where they end. `depth` places are
 * looked at, a match of `nice` bytes is taken at once, and with `lazy` any other waits for what the next byte finds.
 * Where `patience` bytes in a row have found nothing (content that is compressed already), more and more of those
 * that follow are not looked for, as LZ4 does it.
 */
export function search(end: i32, depth: i32, nice: i32, lazy: i32, patience: i32, most: i32): i32 {
  let place = at
  let next = symbols
  // The match at the byte before, which waits.
  let waiting = 0
  let waitingDistance = 0
  let misses = 0
  const full = symbols + (most << 2)
  const lastHashed = end - 4
  while (true) {
    let length = waiting > 3 ? waiting : 3
    let distance = 0
    if (place <= lastHashed) {
      const farthest = place - windowLength
      const limit = min(maxLength, end - place)
      const bytes = load<u32>(input + place)
      const head = headOf(bytes)
      const shortHead = shortHeadOf(bytes)
      let candidate = load<i32>(head)
      const short = load<i32>(shortHead)
      store<i32>(head, place)
      store<i32>(shortHead, place)
      store<i32>(chainOf(place), candidate)
      if (candidate > farthest && length < limit) {
        let left = waiting > 0 ? depth >> 1 : depth
        let tail = load<u32>(input + place + length - 3)
        do {
          // A longer match has the last 4 bytes too.
          if (load<u32>(input + candidate + length - 3) == tail && load<u32>(input + candidate) == bytes) {
            const found = min(lengthOf(input + candidate, input + place, limit), limit)
            if (found > length) {
              length = found
              distance = place - candidate
              if (found >= nice || found == limit) break
              tail = load<u32>(input + place + length - 3)
            }
          }
          if (--left <= 0) break
          candidate = load<i32>(chainOf(candidate))
        } while (candidate > farthest)
      }
      // From farther away, 3 bytes cost more than as literals.
      if (distance == 0 && waiting == 0 && short > place - 4096 && (load<u32>(input + short) ^ bytes) << 8 == 0)
        distance = place - short
    } else if (place >= end && waiting == 0) break

    if (distance > 0) {
      if (waiting > 0) {
        // What waited was the worse one: its first byte becomes a literal.
        const byte = load<u8>(input + place - 1)
        store<u32>(next, byte)
        next += 4
        countOne(literals, byte)
      }
      waiting = length
      waitingDistance = distance
      place++
      if (lazy != 0 && length < nice) continue
    } else if (waiting == 0) {
      const byte = load<u8>(input + place)
      store<u32>(next, byte)
      next += 4
      countOne(literals, byte)
      place++
      misses++
      for (let passed = min(min(misses / patience, 16), lastHashed - place); passed > 0; passed--) {
        const byte = load<u8>(input + place)
        store<u32>(next, byte)
        next += 4
        countOne(literals, byte)
        place++
      }
      if (next >= full) break
      continue
    }
    misses = 0

    // The match is taken. It began before `place`, which is known already if it was looked at in vain.
    const matchEnd = place - 1 + waiting
    store<u32>(next, (waiting << 16) | (waitingDistance - 1))
    next += 4
    countOne(literals, load<u16>(lengthSymbols + (waiting << 1)))
    countOne(distances, load<u8>(distanceSymbols + slotOf(waitingDistance - 1)))
    waiting = 0
    const hashedEnd = min(matchEnd, lastHashed + 1)
    if (distance == 0) place++
    for (; place < hashedEnd; place++) insert(place)
    place = matchEnd
    if (next >= full) break
  }
  at = place
  count = (next - symbols) >> 2
  return place
}

// @ts-ignore
@inline function slotOf(distance: i32): i32 {
  return distance < 256 ? distance : 256 + (distance >> 7)
}

/** Write the codes of `many` symbols at `to`, behind `restBits` bits of `rest`; where they end. */
export function write(to: i32, many: i32, bits: i32, bitCount: i32): i32 {
  let out = to
  let word: u64 = bits
  let filled: u64 = bitCount
  const end = symbols + (many << 2)
  for (let next = symbols; next < end; next += 4) {
    const symbol = load<u32>(next)
    if (symbol < 256) {
      const code = load<u32>(literalCodes + (symbol << 2))
      word |= <u64>(code & 0xffffff) << filled
      filled += code >> 24
    } else {
      // 7 + 20 + 15 + 13 bits at most.
      const lengthCode = load<u32>(lengthCodes + ((symbol >> 16) << 2))
      word |= <u64>(lengthCode & 0xffffff) << filled
      filled += lengthCode >> 24
      const distance = symbol & 0xffff
      const distanceSymbol = <u32>load<u8>(distanceSymbols + slotOf(distance))
      const distanceCode = load<u32>(distanceCodes + (distanceSymbol << 2))
      word |= <u64>(distanceCode & 0xffffff) << filled
      filled += distanceCode >> 24
      const range = load<u32>(distanceRanges + (distanceSymbol << 2))
      word |= <u64>(distance - (range & 0xffffff)) << filled
      filled += range >> 24
    }
    store<u64>(out, word)
    out += <i32>(filled >> 3)
    word >>= filled & 56
    filled &= 7
  }
  rest = <i32>word
  restBits = <i32>filled
  return out
}
