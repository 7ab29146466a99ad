/**
 * A search that leaves out little. It keeps, for every 4 bytes seen, a chain of the places where they stand, the
 * nearest first (as zlib does), and for 3 bytes the last place only, those inside of matches left out for speed.
 */
import { lengthOf } from './length-of'
import { input, maxLength, tables, tablesLength, windowLength } from './memory'
import {
  beginSequences,
  countLiteral,
  countLiterals,
  endSequences,
  pending,
  room,
  takeMatch,
} from './sequences'

// i32 each, places as offsets into the input: by hash of 4 or of 3 bytes, and by place the one before it.
const heads: i32 = tables
const shortHeads: i32 = heads + 4 * 65536
const previous: i32 = shortHeads + 4 * 32768

/** Where the search stands in the input. */
let at: i32 = 0

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

/** Forget all, then learn what stands in the input before `start`. */
export function beginThorough(start: i32, end: i32): void {
  // Far below zero: too far away from everywhere.
  memory.fill(tables, 0x80, tablesLength)
  for (let place = 0; place < start && place <= end - 4; place++) insert(place)
  at = start
}

/**
 * Find sequences for the input up to `end`, or with `most` symbols and few more; where they end. `depth` places are
 * looked at, a match of `nice` bytes is taken at once, any other waits for what the next byte finds. `patience` is as
 * in ./quick-search.ts.
 */
export function searchThorough(end: i32, depth: i32, nice: i32, patience: i32, most: i32): i32 {
  let place = at
  beginSequences(place, most)
  // The match at the byte before, which waits.
  let waiting = 0
  let waitingDistance = 0
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
            const found = lengthOf(input + candidate, input + place, 4, limit)
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
        countLiteral(load<u8>(input + place - 1))
      }
      waiting = length
      waitingDistance = distance
      place++
      if (length < nice) continue
    } else if (waiting == 0) {
      countLiteral(load<u8>(input + place))
      place++
      const passed = min(min((place - pending) >> patience, 16), lastHashed - place)
      if (passed > 0) {
        countLiterals(place, place + passed)
        place += passed
      }
      if (place - pending >= room) break
      continue
    }

    // The match is taken. It began before `place`, which is known already if it was looked at in vain.
    const matchEnd = place - 1 + waiting
    takeMatch(place - 1, waiting, waitingDistance)
    waiting = 0
    const hashedEnd = min(matchEnd, lastHashed + 1)
    if (distance == 0) place++
    for (; place < hashedEnd; place++) insert(place)
    place = matchEnd
    if (room <= 0) break
  }
  at = place
  endSequences(place)
  return place
}
