/**
 * The CRC-32 (RFC 1952, section 8) of two pieces one after the other, from those of each: appending n zero bytes
 * to a message multiplies its CRC, a polynomial over GF(2), by x^8n; squaring gets there in log n steps.
 */

/** `a` and `b` are the pieces' CRCs, `length` that of the second in bytes. */
export const combineCrc32 = (a: number, b: number, length: number): number => {
  let product = a
  // x^8, then x^16, x^32 … for each bit of the length.
  let power = 1 << 23
  for (let left = length; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) product = multiply(power, product)
    power = multiply(power, power)
  }
  return (product ^ b) >>> 0
}

/** Modulo the polynomial of CRC-32; bit 31 is x^0. */
const multiply = (a: number, b: number): number => {
  let product = 0
  let shifted = b
  for (let bit = 1 << 31; bit !== 0; bit >>>= 1) {
    if (a & bit) product ^= shifted
    shifted = shifted & 1 ? (shifted >>> 1) ^ 0xedb88320 : shifted >>> 1
  }
  return product
}
