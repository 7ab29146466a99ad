import { sumOfBytes, sumOfWords } from './checksum.js'

/**
 * A header that needs nothing but itself to be understood, read in place: ustar or GNU, a file, link or folder,
 * every number in octal. Most headers are; reading one makes no objects. What is not exactly that (another
 * dialect, a wrong checksum, a number in base 256, an empty name) is left to reader.ts, which knows the rules
 * and the errors: this may refuse what is good, never take what reader.ts would read otherwise.
 */
export class PlainHeader {
  /** Where the block lies: from `at` on in `bytes`. */
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  /** As in the header, a digit: 0 file, 1 hard link, 2 symbolic link, 5 directory. */
  flag = 0
  mode = 0
  uid = 0
  gid = 0
  /** Bytes of content behind the block; 0 for what has none, whatever the field says. */
  size = 0
  mtime = 0
  /** Lengths of the texts, up to their first NUL. The path is prefix, slash and name where there is a prefix. */
  nameLength = 0
  prefixLength = 0
  linkLength = 0
  unameLength = 0
  gnameLength = 0

  /**
   * Read the block at `at` of `bytes`, all 512 of it being there; `words` are the same bytes, if `at` is a
   * multiple of 4 of them. False: not plain, and the fields mean nothing.
   */
  read(bytes: Uint8Array, words: Int32Array | undefined, at: number): boolean {
    const flag = bytes[at + 156]! - 0x30
    if (flag !== 0 && flag !== 5 && flag !== 2 && flag !== 1) return false
    const version = versionOf(bytes, at)
    // Under GNU's magic times may stand where ustar has the prefix, and old Go's prefix too.
    if (version === other || (version === gnu && bytes[at + 345] !== 0)) return false
    const wanted = readSum(bytes, at + 148)
    if (wanted < 0) return false
    const mode = readOctal(bytes, at + 100, at + 108)
    const uid = readOctal(bytes, at + 108, at + 116)
    const gid = readOctal(bytes, at + 116, at + 124)
    const size = readOctal(bytes, at + 124, at + 136)
    const mtime = readOctal(bytes, at + 136, at + 148)
    if (mode < 0 || uid < 0 || gid < 0 || size < 0 || mtime < 0) return false
    const nameLength = lengthOf(bytes, at, at + 100)
    const linked = flag === 1 || flag === 2
    const linkLength = linked ? lengthOf(bytes, at + 157, at + 257) : 0
    if (nameLength === 0 || (linked && linkLength === 0)) return false
    let sum = words === undefined ? sumOfBytes(bytes, at) : sumOfWords(words, at >> 2)
    // Its own field counts as spaces.
    for (let digit = at + 148; digit < at + 156; digit++) sum += 0x20 - bytes[digit]!
    if (sum !== wanted) return false
    this.bytes = bytes
    this.at = at
    this.flag = flag
    this.mode = mode & 0o7777
    this.uid = uid
    this.gid = gid
    this.size = flag === 0 ? size : 0
    this.mtime = mtime
    this.nameLength = nameLength
    this.prefixLength = version === ustar ? lengthOf(bytes, at + 345, at + 500) : 0
    this.linkLength = linkLength
    this.unameLength = lengthOf(bytes, at + 265, at + 297)
    this.gnameLength = lengthOf(bytes, at + 297, at + 329)
    return true
  }

  /** A copy, for messages and for those who want a Buffer. */
  path(): Buffer {
    const { bytes, at, nameLength, prefixLength } = this
    const name = bytes.subarray(at, at + nameLength)
    if (prefixLength === 0) return Buffer.from(name)
    return Buffer.concat([bytes.subarray(at + 345, at + 345 + prefixLength), Buffer.from('/'), name])
  }
}

const other = 0
const ustar = 1
const gnu = 2

const versionOf = (bytes: Uint8Array, at: number): number => {
  if (
    bytes[at + 257] !== 0x75 ||
    bytes[at + 258] !== 0x73 ||
    bytes[at + 259] !== 0x74 ||
    bytes[at + 260] !== 0x61 ||
    bytes[at + 261] !== 0x72
  )
    return other
  // The t of star's "tar" at the end of the block, whose prefix is shorter.
  if (bytes[at + 262] === 0) return bytes[at + 508] === 0x74 ? other : ustar
  return bytes[at + 262] === 0x20 && bytes[at + 263] === 0x20 && bytes[at + 264] === 0 ? gnu : other
}

/** As readNumber of numbers.ts; −1 where that would throw, or read base 256. */
const readOctal = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0)) at++
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  while (at < end && bytes[at] === 0x20) at++
  return at < end && bytes[at] !== 0 ? -1 : value
}

/** The checksum field: spaces, one to seven digits, nothing behind them but spaces and NULs. Otherwise −1. */
const readSum = (bytes: Uint8Array, start: number): number => {
  const end = start + 8
  let at = start
  while (at < end && bytes[at] === 0x20) at++
  const first = at
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  if (at === first || at - first > 7) return -1
  for (; at < end; at++) if (bytes[at] !== 0 && bytes[at] !== 0x20) return -1
  return value
}

const lengthOf = (bytes: Uint8Array, start: number, end: number): number => {
  let at = start
  while (at < end && bytes[at] !== 0) at++
  return at - start
}
