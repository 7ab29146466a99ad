/** How many bytes are the same, `length` of them known to be, up to `limit`. */
// @ts-ignore: a decorator of AssemblyScript
@inline export function lengthOf(one: i32, other: i32, length: i32, limit: i32): i32 {
  while (length < limit) {
    const difference = load<u64>(one + length) ^ load<u64>(other + length)
    if (difference != 0) return min(length + <i32>(ctz(difference) >> 3), limit)
    length += 8
  }
  return limit
}
