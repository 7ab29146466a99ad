/** What the memory of the encoder holds. ../engine.ts fills the tables that depend on nothing but the format. */

export const windowLength: i32 = 32768
export const maxLength: i32 = 258

/** For the tables of a search, which are its own affair. */
export const tables: i32 = 0x1000
export const tablesLength: i32 = 4 * (65536 + 32768 + windowLength)

/**
 * u64 each, what a stretch of the input becomes: the count of literals in the low half, then `distance - 1` in 16 bits
 * and the length of a match in the 16 above; no match if that is 0.
 */
export const sequences: i32 = tables + tablesLength
/** i32 each, by symbol: how often it occurs. */
export const literals: i32 = sequences + 8 * 26000
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

/** 1 MiB + 32 KiB and some bytes that may be read but do not matter; so do the 64 KiB before it. */
export const input: i32 = 0x100000
/** Up to the end of memory. */
export const output: i32 = 0x210000

/** Where the symbol of a distance stands in distanceSymbols, by `distance - 1`. */
// @ts-ignore: a decorator of AssemblyScript
@inline export function slotOf(distance: i32): i32 {
  // Which it is cannot be foretold: both are calculated, without a branch.
  return select(distance, 256 + (distance >> 7), distance < 256)
}
