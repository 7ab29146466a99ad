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
  const symbols = byFrequency(frequencies)
  const counts = limited(depthCounts(symbols.map(symbol => frequencies[symbol]!)), limit)
  const lengths = new Uint8Array(frequencies.length)
  // The rarest come first and get the longest codes.
  let at = 0
  for (let length = limit; length > 0; length--)
    for (let left = counts[length]!; left > 0; left--) lengths[symbols[at++]!] = length
  return lengths
}

/** The symbols that occur, the rarest first, ties by number. */
const byFrequency = (frequencies: Int32Array): Int32Array => {
  const keys: number[] = []
  frequencies.forEach((frequency, symbol) => {
    if (frequency > 0) keys.push(frequency * 512 + symbol)
  })
  for (let symbol = 0; keys.length < 2; symbol++) if (frequencies[symbol] === 0) keys.push(symbol)
  return Int32Array.from(keys)
    .sort()
    .map(key => key & 511)
}

/** How many leaves of the tree over `weights` (ascending) lie at each depth: Huffman's algorithm with two queues. */
const depthCounts = (weights: Int32Array): number[] => {
  const leaves = weights.length
  const sums: number[] = []
  const parents = new Int32Array(2 * leaves)
  let leaf = 0
  let inner = 0
  const lightest = (parent: number): number => {
    const takesLeaf = leaf < leaves && (inner === sums.length || weights[leaf]! <= sums[inner]!)
    parents[takesLeaf ? leaf : leaves + inner] = parent
    return takesLeaf ? weights[leaf++]! : sums[inner++]!
  }
  while (sums.length < leaves - 1) {
    const parent = leaves + sums.length
    const first = lightest(parent)
    sums.push(first + lightest(parent))
  }
  const root = 2 * leaves - 2
  const depths = new Int32Array(root + 1)
  const counts: number[] = []
  for (let node = root - 1; node >= 0; node--) {
    depths[node] = depths[parents[node]!]! + 1
    if (node < leaves) counts[depths[node]!] = (counts[depths[node]!] ?? 0) + 1
  }
  return counts
}

/** The same number of leaves, none deeper than `limit`, and still a complete tree. */
const limited = (depths: readonly number[], limit: number): Int32Array => {
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
