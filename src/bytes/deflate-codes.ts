/** How a dynamic block says which codes it uses: RFC 1951, section 3.2.7. */
import { type HuffmanCode, huffmanCode } from './huffman-code.js'

export type Field = readonly [value: number, bits: number]

/** The order in which the lengths of the code for lengths come. */
const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** The fields behind the 3 bits that begin a dynamic block, and how many bits they and those 3 are. */
export const describeCodes = (
  literals: HuffmanCode,
  distances: HuffmanCode,
): { fields: readonly Field[]; bits: number } => {
  const literalLengths = trimmed(literals.lengths, 257)
  const distanceLengths = trimmed(distances.lengths, 1)
  const runs = runsOf([...literalLengths, ...distanceLengths])
  const frequencies = new Int32Array(19)
  for (const { symbol } of runs) frequencies[symbol]!++
  const code = huffmanCode(frequencies, 7)
  let listed = order.length
  while (code.lengths[order[listed - 1]!] === 0) listed--
  const fields: Field[] = [
    [literalLengths.length - 257, 5],
    [distanceLengths.length - 1, 5],
    [listed - 4, 4],
    ...order.slice(0, listed).map((symbol): Field => [code.lengths[symbol]!, 3]),
    ...runs.flatMap(({ symbol, extra }): Field[] => [[code.codes[symbol]!, code.lengths[symbol]!], extra]),
  ]
  return { fields, bits: fields.reduce((sum, [, bits]) => sum + bits, 3) }
}

const trimmed = (lengths: Uint8Array, least: number): Uint8Array => {
  let end = lengths.length
  while (end > least && lengths[end - 1] === 0) end--
  return lengths.subarray(0, end)
}

interface Run {
  readonly symbol: number
  readonly extra: Field
}

/** Code lengths with their repeats: 16 for 3 to 6 of the one before, 17 and 18 for 3 to 10 and 11 to 138 zeros. */
const runsOf = (lengths: readonly number[]): readonly Run[] => {
  const runs: Run[] = []
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at]!
    let end = at + 1
    while (end < lengths.length && lengths[end] === length) end++
    if (length > 0) {
      runs.push({ symbol: length, extra: [0, 0] })
      at++
    }
    while (end - at >= 3) {
      const run = Math.min(end - at, length > 0 ? 6 : 138)
      if (length > 0) runs.push({ symbol: 16, extra: [run - 3, 2] })
      else if (run <= 10) runs.push({ symbol: 17, extra: [run - 3, 3] })
      else runs.push({ symbol: 18, extra: [run - 11, 7] })
      at += run
    }
    for (; at < end; at++) runs.push({ symbol: length, extra: [0, 0] })
  }
  return runs
}
