/** Prefix codes of limited length as DEFLATE has them: RFC 1951, section 3.2.2. */
export interface HuffmanCode {
  /** Of each symbol in bits, 0 for one that does not occur. */
  readonly lengths: Uint8Array
  /** Of each symbol, first bit lowest: as it goes into the output. */
  readonly codes: Uint16Array
}

/**
 * A code for symbols that occur so often (below 2^21 times each, 512 symbols at most), none longer than `limit`
 * bits. Always of two symbols or more, because some decoders refuse a code of one.
 */
export const huffmanCode = (frequencies: Int32Array, limit: number): HuffmanCode =>
  codeOfLengths(lengthsOf(frequencies, limit))

/** The code that lengths alone describe. */
export const codeOfLengths = (lengths: Uint8Array): HuffmanCode => ({ lengths, codes: codesOf(lengths) })

const lengthsOf = (frequencies: Int32Array, limit: number): Uint8Array => {
  const leaves = byFrequency(frequencies)
  const counts = limited(depthCounts(leaves), limit)
  const lengths = new Uint8Array(frequencies.length)
  // The rarest come first and get the longest codes.
  let at = 0
  for (let length = limit; length > 0; length--)
    for (let left = counts[length]!; left > 0; left--) lengths[leaves[at++]! & 511] = length
  return lengths
}

// Room for the work on one code, of which there are two for every few bytes of output.
const sorted = new Int32Array(512)
const sums = new Int32Array(512)
const parents = new Int32Array(1024)
const depths = new Int32Array(1024)

/** The symbols that occur, the rarest first, ties by number: each in 9 bits, below how often it occurs. */
const byFrequency = (frequencies: Int32Array): Int32Array => {
  let count = 0
  for (let symbol = 0; symbol < frequencies.length; symbol++)
    if (frequencies[symbol]! > 0) sorted[count++] = (frequencies[symbol]! << 9) | symbol
  for (let symbol = 0; count < 2; symbol++) if (frequencies[symbol] === 0) sorted[count++] = symbol
  return sorted.subarray(0, count).sort()
}

/** How many leaves of the tree lie at each depth: Huffman's algorithm with two queues. */
const depthCounts = (leaves: Int32Array): Int32Array => {
  const count = leaves.length
  let leaf = 0
  let inner = 0
  for (let made = 0; made < count - 1; made++) {
    let sum = 0
    for (let child = 0; child < 2; child++) {
      const weight = leaf < count ? leaves[leaf]! >> 9 : Number.POSITIVE_INFINITY
      if (inner === made || weight <= sums[inner]!) {
        parents[leaf++] = count + made
        sum += weight
      } else {
        parents[count + inner] = count + made
        sum += sums[inner++]!
      }
    }
    sums[made] = sum
  }
  const root = 2 * count - 2
  depths[root] = 0
  const counts = new Int32Array(count)
  for (let node = root - 1; node >= 0; node--) {
    depths[node] = depths[parents[node]!]! + 1
    if (node < count) counts[depths[node]!]!++
  }
  return counts
}

/** The same number of leaves, none deeper than `limit`, and still a complete tree. */
const limited = (depths: Int32Array, limit: number): Int32Array => {
  const counts = new Int32Array(limit + 1)
  depths.forEach((count, depth) => {
    counts[Math.min(depth, limit)]! += count
  })
  let used = counts.reduce((sum, count, length) => sum + count * 2 ** (limit - length), 0)
  for (; used > 2 ** limit; used--) {
    // A shorter code becomes an inner node: it and one of the longest move below it.
    counts[limit]!--
    let length = limit - 1
    while (counts[length] === 0) length--
    counts[length]!--
    counts[length + 1]! += 2
  }
  return counts
}

const codesOf = (lengths: Uint8Array): Uint16Array => {
  const counts = new Int32Array(17)
  for (const length of lengths) if (length > 0) counts[length]!++
  const next = new Int32Array(17)
  for (let length = 1; length < 16; length++) next[length + 1] = (next[length]! + counts[length]!) << 1
  const codes = new Uint16Array(lengths.length)
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = lengths[symbol]!
    if (length > 0) codes[symbol] = reversed[next[length]!++]! >> (15 - length)
  }
  return codes
}

/** Numbers of 15 bits with their bits the other way round. */
const reversed = new Uint16Array(1 << 15)
for (let number = 1; number < reversed.length; number++)
  reversed[number] = (reversed[number >> 1]! >> 1) | ((number & 1) << 14)
