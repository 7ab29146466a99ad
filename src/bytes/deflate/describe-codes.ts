/** How a dynamic block says which codes it uses: RFC 1951, section 3.2.7. */
import { type BitWriter, putBits } from './bit-writer.js'
import { type HuffmanCode, huffmanCode } from './huffman-code.js'

/** The order in which the lengths of the code for lengths come. */
const order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

export interface CodesDescription {
  /** How many bits it takes, with the 3 that begin a block. */
  readonly bits: number
  /** Write those 3 bits, of a dynamic block that is not the last one, and the description. */
  write(writer: BitWriter): void
}

export const describeCodes = (literals: HuffmanCode, distances: HuffmanCode): CodesDescription => {
  const literalCount = usedOf(literals.lengths, 257)
  const distanceCount = usedOf(distances.lengths, 1)
  const lengths = new Uint8Array(literalCount + distanceCount)
  lengths.set(literals.lengths.subarray(0, literalCount))
  lengths.set(distances.lengths.subarray(0, distanceCount), literalCount)
  const runs = runsOf(lengths)
  const frequencies = new Int32Array(19)
  for (const run of runs) frequencies[run & 31]!++
  const code = huffmanCode(frequencies, 7)
  let listed = order.length
  while (code.lengths[order[listed - 1]!] === 0) listed--
  let bits = 3 + 14 + 3 * listed
  for (const run of runs) bits += code.lengths[run & 31]! + extraBits[run & 31]!
  return {
    bits,
    write: writer => {
      putBits(writer, 0b100, 3)
      putBits(writer, literalCount - 257, 5)
      putBits(writer, distanceCount - 1, 5)
      putBits(writer, listed - 4, 4)
      for (const symbol of order.slice(0, listed)) putBits(writer, code.lengths[symbol]!, 3)
      for (const run of runs) {
        putBits(writer, code.codes[run & 31]!, code.lengths[run & 31]!)
        putBits(writer, run >> 5, extraBits[run & 31]!)
      }
    },
  }
}

/** How many symbols have lengths that must be told, `least` at least. */
const usedOf = (lengths: Uint8Array, least: number): number => {
  let used = lengths.length
  while (used > least && lengths[used - 1] === 0) used--
  return used
}

/** By symbol of the code for lengths. */
const extraBits = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3, 7)

/**
 * Lengths with their repeats, each as its symbol and, from the 6th bit on, what its extra bits say. Symbol 16 is
 * 3 to 6 times the one before, 17 and 18 are 3 to 10 and 11 to 138 zeros.
 */
const runsOf = (lengths: Uint8Array): readonly number[] => {
  const runs: number[] = []
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at]!
    let end = at + 1
    while (end < lengths.length && lengths[end] === length) end++
    if (length > 0) {
      runs.push(length)
      at++
    }
    while (end - at >= 3) {
      const times = Math.min(end - at, length > 0 ? 6 : 138)
      if (length > 0) runs.push(16 | ((times - 3) << 5))
      else if (times <= 10) runs.push(17 | ((times - 3) << 5))
      else runs.push(18 | ((times - 11) << 5))
      at += times
    }
    for (; at < end; at++) runs.push(length)
  }
  return runs
}
