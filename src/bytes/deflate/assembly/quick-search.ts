/**
 * A search that finds most matches of 4 bytes and more in little time. It keeps, for every 4 bytes seen, a chain of the
 * places where they stand, the nearest first. Its time goes into branches that cannot be foretold, so there is one
 * for a byte that matches nothing; and a match is looked for only where the nearest place of the chain has one.
 *
 * The tables hold the last 16 bits of places, to be small enough for the caches. That may lead astray, also into
 * another chain: whatever they name is compared with the input.
 */
import { lengthOf } from './length-of'
import { input, maxLength, tables, windowLength } from './memory'
import {
  beginSequences,
  countLiteral,
  countLiterals,
  endSequences,
  pending,
  room,
  takeMatch,
} from './sequences'

// u16 each: the nearest place by hash, and by place the one before it with the same hash.
const heads: i32 = tables
const previous: i32 = heads + 2 * 65536
const ownLength: i32 = 2 * (65536 + windowLength)

// Where the search stands in the input, and how far back the match is that was found last.
let at: i32 = 0
let foundDistance: i32 = 0

// @ts-ignore: a decorator of AssemblyScript
@inline function headOf(bytes: u32): i32 {
  return heads + (((bytes * 2654435761) >> 16) << 1)
}

// @ts-ignore
@inline function chainOf(place: i32): i32 {
  return previous + ((place & (windowLength - 1)) << 1)
}

/** How far before `place` that is which a table says; 0 may be 65536. */
// @ts-ignore
@inline function distanceTo(place: i32, entry: i32): i32 {
  return (place - <i32>load<u16>(entry)) & 0xffff
}

/** Put a place at the head of its chain; how far back the one is that was there. */
// @ts-ignore
@inline function insert(place: i32, bytes: u32): i32 {
  const head = headOf(bytes)
  const before = load<u16>(head)
  store<u16>(head, place)
  store<u16>(chainOf(place), before)
  return (place - <i32>before) & 0xffff
}

/** Whether that is in the window and not before the input. */
// @ts-ignore
@inline function isNear(distance: i32, place: i32): bool {
  return <u32>(distance - 1) < <u32>min(place, windowLength)
}

/**
 * The longest match of more than `length` bytes among `depth` places of a chain from the one `distance` back on, or
 * `length` if there is none; not more than `limit`.
 */
// @ts-ignore
@inline function longest(place: i32, distance: i32, length: i32, limit: i32, depth: i32, nice: i32): i32 {
  const here = input + place
  const bytes = load<u32>(here)
  let tail = load<u32>(here + length - 3)
  for (let left = depth; left > 0 && isNear(distance, place); left--) {
    const there = here - distance
    // A longer match has the last 4 bytes too.
    if (load<u32>(there + length - 3) == tail && load<u32>(there) == bytes) {
      const found = lengthOf(there, here, 4, limit)
      if (found > length) {
        length = found
        foundDistance = distance
        if (found >= nice) break
        tail = load<u32>(here + length - 3)
      }
    }
    const nearer = distance
    distance = distanceTo(place, chainOf(place - distance))
    if (distance <= nearer) break
  }
  return length
}

/** Forget all, then learn what stands in the input before `start`. */
export function beginQuick(start: i32, end: i32): void {
  memory.fill(tables, 0, ownLength)
  for (let place = 0; place < start && place <= end - 4; place++) insert(place, load<u32>(input + place))
  at = start
}

/**
 * Find sequences for the input up to `end`, or with `most` symbols and few more; where they end. `depth` places are
 * looked at behind the nearest, a match of `nice` bytes is taken at once, and one below `lazy` bytes waits for what the
 * next byte finds. After 2^`patience` bytes in a row without a match (content that is compressed already), more and
 * more of those that follow are not looked for, as LZ4 does it.
 */
export function searchQuick(
  end: i32,
  depth: i32,
  nice: i32,
  lazy: i32,
  patience: i32,
  most: i32,
): i32 {
  let place = at
  beginSequences(place, most)
  // Behind it there are no 8 bytes to be read at once.
  const searchEnd = end - 7
  let stop = min(searchEnd, pending + room)
  while (place < stop) {
    const here = input + place
    const bytes = load<u64>(here)
    let distance = insert(place, <u32>bytes)
    const difference = load<u64>(here - distance) ^ bytes
    // Two conditions, one branch: each by itself cannot be foretold.
    if ((<i32>(<u32>difference == 0) & <i32>isNear(distance, place)) == 0) {
      const passed = min((place - pending) >> patience, 16)
      countLiteral(<i32>bytes & 0xff)
      place++
      if (passed > 0) {
        const to = min(place + passed, searchEnd)
        countLiterals(place, to)
        place = max(place, to)
      }
      continue
    }
    const limit = min(maxLength, end - place)
    let length = difference == 0 ? lengthOf(here - distance, here, 8, limit) : <i32>(ctz(difference) >> 3)
    if (depth > 0 && length < nice) {
      const farther = distanceTo(place, chainOf(place - distance))
      if (farther > distance) {
        foundDistance = distance
        length = longest(place, farther, length, limit, depth, nice)
        distance = foundDistance
      }
    }
    // The place behind the last one that is in the tables.
    let known = place + 1
    while (length < lazy && place + 1 < searchEnd) {
      const limit = min(maxLength, end - place - 1)
      const first = insert(place + 1, load<u32>(input + place + 1))
      known = place + 2
      const found = longest(place + 1, first, length, limit, (depth >> 1) + 1, nice)
      if (found <= length) break
      length = found
      distance = foundDistance
      countLiteral(load<u8>(input + place))
      place++
    }
    takeMatch(place, length, distance)
    stop = min(searchEnd, pending + room)
    const knownEnd = min(pending, searchEnd)
    for (let inside = known; inside < knownEnd; inside++) insert(inside, load<u32>(input + inside))
    place = pending
  }
  if (place >= searchEnd) {
    countLiterals(place, end)
    place = max(place, end)
  }
  endSequences(place)
  at = place
  return place
}
