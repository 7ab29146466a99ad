import { sumOfWords } from './checksum.js'
import { blockSize } from './header.js'

/** What one ustar header says. Every number fits its field, every text too. */
export interface HeaderFields {
  readonly name: { readonly prefix: Buffer; readonly name: Buffer }
  /** One character. */
  readonly flag: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly linkPath: Buffer
  readonly uname: Buffer
  readonly gname: Buffer
  readonly devMajor: number
  readonly devMinor: number
}

/** Each header is made here, then copied: a block of its own would cost an allocation outside the heap. */
const block = Buffer.allocUnsafeSlow(blockSize)
const words = new Int32Array(block.buffer)

/** The block, with its checksum. */
export const encodeHeader = (fields: HeaderFields): Buffer => {
  block.fill(0)
  putText(fields.name.name, 0)
  putOctal(fields.mode & 0o7777, 100, 7)
  putOctal(fields.uid, 108, 7)
  putOctal(fields.gid, 116, 7)
  putOctal(fields.size, 124, 11)
  putOctal(fields.mtime, 136, 11)
  // The checksum counts its own field as spaces.
  for (let at = 148; at < 156; at++) block[at] = 0x20
  block[156] = fields.flag.charCodeAt(0)
  putText(fields.linkPath, 157)
  putText(magic, 257)
  putText(fields.uname, 265)
  putText(fields.gname, 297)
  putOctal(fields.devMajor, 329, 7)
  putOctal(fields.devMinor, 337, 7)
  putText(fields.name.prefix, 345)
  putOctal(sumOfWords(words, 0), 148, 6)
  const header = Buffer.allocUnsafe(blockSize)
  header.set(block)
  return header
}

const magic = Buffer.from('ustar\x0000', 'latin1')

const putText = (text: Buffer, start: number): void => {
  for (let at = 0; at < text.length; at++) block[start + at] = text[at]!
}

/** Digits and a NUL. What is above 24 bits goes apart: up to there numbers are cheap. */
const putOctal = (value: number, start: number, digits: number): void => {
  let high = Math.floor(value / 2 ** 24)
  let low = value % 2 ** 24
  for (let at = start + digits - 1; at >= start; at--) {
    block[at] = 0x30 + (low & 7)
    low >>= 3
    if (at === start + digits - 8) {
      low = high
      high = 0
    }
  }
  block[start + digits] = 0
}

const none = Buffer.alloc(0)

/** ustar holds 100 bytes, or 155 and 100 about a slash; only ASCII means the same to every reader. */
export const fitName = (path: Buffer): { prefix: Buffer; name: Buffer } | undefined => {
  for (let at = 0; at < path.length; at++) if (path[at]! > 127) return undefined
  if (path.length <= 100) return { prefix: none, name: path }
  // The slash at the end of a folder's name is part of the name.
  const slash = path.indexOf(0x2f, path.length - 101)
  if (slash <= 0 || slash > 155 || slash === path.length - 1) return undefined
  return { prefix: path.subarray(0, slash), name: path.subarray(slash + 1) }
}
