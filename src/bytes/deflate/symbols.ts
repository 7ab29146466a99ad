/**
 * What a DEFLATE block is made of: literals, lengths and distances as symbols with extra bits. RFC 1951,
 * section 3.2.5.
 */

/** Longest and shortest match. */
export const maxLength = 258
export const minLength = 3

/** Symbols of the two alphabets that a block has codes for. */
export const literalCount = 286
export const distanceCount = 30
export const endOfBlock = 256

const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5]

/** By the length of a match: its symbol, how many extra bits follow, and the length that they are added to. */
export const lengthSymbols = new Uint16Array(maxLength + 1)
export const lengthExtraBits = new Uint8Array(maxLength + 1)
export const lengthBases = new Uint16Array(maxLength + 1)
let base = minLength
lengthExtra.forEach((bits, index) => {
  const end = Math.min(base + (1 << bits), maxLength)
  lengthSymbols.fill(257 + index, base, end)
  lengthExtraBits.fill(bits, base, end)
  lengthBases.fill(base, base, end)
  base = end
})
lengthSymbols[maxLength] = 285
lengthBases[maxLength] = maxLength

/** By distance symbol. */
export const distanceExtraBits = Uint8Array.from({ length: distanceCount }, (_, symbol) =>
  Math.max(0, (symbol >> 1) - 1),
)
export const distanceBases = new Uint16Array(distanceCount)
/** The symbol of a distance: at `distance - 1` below 256, else at `256 + (distance - 1 >> 7)`. */
export const distanceSymbols = new Uint8Array(512)
let start = 1
distanceExtraBits.forEach((bits, symbol) => {
  distanceBases[symbol] = start
  const end = start + (1 << bits)
  for (let distance = start; distance < end; distance++) {
    if (distance <= 256) distanceSymbols[distance - 1] = symbol
    else distanceSymbols[256 + ((distance - 1) >> 7)] = symbol
  }
  start = end
})
