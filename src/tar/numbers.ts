/**
 * The number fields of a tar header: octal digits with spaces or NULs about them, or, where the first bit is
 * set, a big-endian two's complement number ("base-256", GNU). Strict: parseInt would take `-17`, `1e9` or ''
 * for something, and two readers that disagree on a size disagree on where the next header is.
 */
import { LadingError } from '../spec/errors.js'

export const badTar = (
  offset: number,
  problem: string,
  data: Readonly<Record<string, unknown>> = {},
): LadingError =>
  new LadingError('BAD_TAR', `Bad tar header at offset ${offset}: ${problem}`, { data: { offset, ...data } })

/** The number in `block[start … end)`; 0 for a blank field. Throws BAD_TAR. */
export const readNumber = (
  block: Uint8Array,
  start: number,
  end: number,
  name: string,
  offset: number,
): number => {
  if (block[start]! & 0x80) return readBase256(block, start, end, name, offset)
  let at = start
  while (at < end && (block[at] === 0x20 || block[at] === 0)) at++
  let value = 0
  for (; at < end && block[at]! >= 0x30 && block[at]! <= 0x37; at++) value = value * 8 + block[at]! - 0x30
  while (at < end && block[at] === 0x20) at++
  if (at < end && block[at] !== 0)
    throw badTar(offset, `found ${show(block, start, end)} in the ${name} field, wanted an octal number`, {
      field: name,
    })
  return value
}

const readBase256 = (block: Uint8Array, start: number, end: number, name: string, offset: number): number => {
  const negative = (block[start]! & 0x40) !== 0
  // The top bit is the marker; of the rest the highest bit is the sign.
  let value = BigInt(negative ? block[start]! - 0x100 : block[start]! & 0x7f)
  for (let at = start + 1; at < end; at++) value = value * 256n + BigInt(block[at]!)
  const number = Number(value)
  if (!Number.isSafeInteger(number))
    throw badTar(offset, `the ${name} ${value} is beyond what can be counted`, { field: name })
  return number
}

/** readNumber for what cannot be negative: sizes, owners, devices. */
export const readCount = (
  block: Uint8Array,
  start: number,
  end: number,
  name: string,
  offset: number,
): number => {
  const value = readNumber(block, start, end, name, offset)
  if (value < 0) throw badTar(offset, `the ${name} is negative: ${value}`, { field: name, found: value })
  return value
}

/** A decimal number of a PAX record or a sparse map. */
export const readDecimal = (text: string, name: string, offset: number): number => {
  const value = /^\d{1,64}$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(value)) return value
  throw badTar(
    offset,
    `found ${JSON.stringify(text.slice(0, 40))} for ${name}, wanted a whole number that is not negative`,
  )
}

const show = (block: Uint8Array, start: number, end: number): string =>
  JSON.stringify(Buffer.from(block.subarray(start, end)).toString('latin1'))
