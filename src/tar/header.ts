import type { Timestamp } from './entry.js'
import { badTar, readCount, readNumber } from './numbers.js'

export const blockSize = 512

/** `size` rounded up to whole blocks. */
export const blocks = (size: number): number => Math.ceil(size / blockSize) * blockSize

/** One 512-byte header, of any dialect, before anything that other headers say about it. */
export interface Header {
  readonly dialect: 'v7' | 'ustar' | 'gnu' | 'star'
  readonly typeflag: string
  readonly name: Buffer
  readonly linkName: Buffer
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly uname: Buffer
  readonly gname: Buffer
  readonly size: number
  readonly mtime: Timestamp
  readonly devMajor: number
  readonly devMinor: number
}

const none = Buffer.alloc(0)

/** Throws BAD_TAR for a wrong checksum or a field that is no number. `offset` is for messages. */
export const readHeader = (block: Buffer, offset: number): Header => {
  checkSum(block, offset)
  const dialect = dialectOf(block)
  const known = dialect !== 'v7'
  const typeflag = String.fromCharCode(block[156]!)
  const device = typeflag === '3' || typeflag === '4'
  return {
    dialect,
    typeflag,
    name: readName(block, dialect),
    linkName: textAt(block, 157, 257),
    mode: readNumber(block, 100, 108, 'mode', offset) & 0o7777,
    uid: readCount(block, 108, 116, 'uid', offset),
    gid: readCount(block, 116, 124, 'gid', offset),
    uname: known ? textAt(block, 265, 297) : none,
    gname: known ? textAt(block, 297, 329) : none,
    size: readCount(block, 124, 136, 'size', offset),
    mtime: { seconds: readNumber(block, 136, 148, 'mtime', offset), nanos: 0 },
    // Other entries have been seen with rubbish there.
    devMajor: known && device ? readCount(block, 329, 337, 'devmajor', offset) : 0,
    devMinor: known && device ? readCount(block, 337, 345, 'devminor', offset) : 0,
  }
}

export const isZeroBlock = (block: Uint8Array): boolean => {
  for (let at = 0; at < block.length; at++) if (block[at] !== 0) return false
  return true
}

/** The sum of all bytes, those of its own field as spaces; some old writers summed signed bytes. */
const checkSum = (block: Buffer, offset: number): void => {
  let unsigned = 8 * 0x20
  let high = 0
  for (let at = 0; at < blockSize; at++) {
    const byte = block[at]!
    unsigned += byte
    high += byte >> 7
  }
  for (let at = 148; at < 156; at++) {
    unsigned -= block[at]!
    high -= block[at]! >> 7
  }
  // A field that is no number is as wrong as a wrong one.
  const text = block
    .toString('latin1', 148, 156)
    .replace(/[\0 ]+$/, '')
    .trimStart()
  const wanted = /^[0-7]{1,7}$/.test(text) ? Number.parseInt(text, 8) : -1
  if (wanted !== unsigned && wanted !== unsigned - 256 * high)
    throw badTar(
      offset,
      offset === 0
        ? 'this is no tar header, so no tar'
        : `the checksum is wrong: found ${JSON.stringify(text)}, wanted ${JSON.stringify(unsigned.toString(8).padStart(6, '0'))}`,
      { found: text, wanted: unsigned },
    )
}

const dialectOf = (block: Buffer): Header['dialect'] => {
  const magic = block.toString('latin1', 257, 265)
  if (magic === 'ustar  \0') return 'gnu'
  // Go and GNU tar want the NUL; to read a prefix where they read none is to read another name.
  if (!magic.startsWith('ustar\0')) return 'v7'
  return block.toString('latin1', 508, 512) === 'tar\0' ? 'star' : 'ustar'
}

/**
 * GNU keeps times where ustar has the prefix; star has them behind a shorter one. Go before 1.8, which docker
 * up to 1.12 was built with, wrote a prefix under GNU's magic: where the times are none, it is one.
 */
const readName = (block: Buffer, dialect: Header['dialect']): Buffer => {
  const name = textAt(block, 0, 100)
  if (dialect === 'v7' || (dialect === 'gnu' && !hasOldGoPrefix(block))) return name
  const prefix = textAt(block, 345, dialect === 'star' ? 476 : 500)
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name])
}

const hasOldGoPrefix = (block: Buffer): boolean =>
  block[345] !== 0 &&
  !(isNumber(block, 345, 357) && isNumber(block, 357, 369)) &&
  textAt(block, 345, 500).every(byte => byte < 0x80)

const isNumber = (block: Buffer, start: number, end: number): boolean => {
  try {
    readNumber(block, start, end, 'time', 0)
    return true
  } catch {
    return false
  }
}

/** Up to the first NUL. A copy: the block is part of a buffer that comes and goes. */
const textAt = (block: Buffer, start: number, end: number): Buffer => {
  const nul = block.indexOf(0, start)
  const stop = nul < 0 || nul > end ? end : nul
  return stop === start ? none : Buffer.from(block.subarray(start, stop))
}
