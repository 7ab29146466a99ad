/**
 * The sum of the bytes of one 512-byte block, which a tar header's checksum is made of. Every header of every
 * layer passes here, so it is counted by words: two bytes of each in the halves of one sum, where
 * 2 · 128 · 255 fits 16 bits. The order of bytes in a word does not change their sum.
 */
export const sumOfWords = (words: Int32Array, first: number): number => {
  let sum = 0
  for (let at = first; at < first + 128; at += 2) {
    const a = words[at]!
    const b = words[at + 1]!
    sum =
      (sum + (a & 0x00ff00ff) + ((a >>> 8) & 0x00ff00ff) + (b & 0x00ff00ff) + ((b >>> 8) & 0x00ff00ff)) | 0
  }
  return (sum & 0xffff) + (sum >>> 16)
}

/** The same where the block does not lie at a multiple of 4. */
export const sumOfBytes = (bytes: Uint8Array, first: number): number => {
  let sum = 0
  for (let at = first; at < first + 512; at++) sum += bytes[at]!
  return sum
}
