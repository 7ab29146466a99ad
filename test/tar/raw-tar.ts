import { LadingError } from '../../src/spec/errors.js'
import type { TarEntry } from '../../src/tar/entry.js'
import { TarScanner } from '../../src/tar/scan-stream.js'
import { encodePax, endOfArchive, padding, paxRecord } from '../../src/tar/write.js'

/** Fields as they stand in the block, so that any of them can be wrong; a number is written as octal. */
export interface RawHeader {
  readonly name?: string | Buffer
  readonly size?: number | string | Buffer
  readonly uid?: string | Buffer
  readonly mtime?: string | Buffer
  readonly flag?: string
  readonly link?: string
  readonly magic?: string
  readonly prefix?: string
  /** Bytes at offsets, written last, before the checksum. */
  readonly at?: Readonly<Record<number, string | Buffer>>
}

export const ustar = 'ustar\x0000'
export const gnu = 'ustar  \0'
export const v7 = '\0'.repeat(8)

/** Put the right checksum into the header at `offset`. */
export const fixChecksum = (bytes: Buffer, offset = 0): void => {
  bytes.write('        ', offset + 148)
  let sum = 0
  for (let at = 0; at < 512; at++) sum += bytes[offset + at]!
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, offset + 148)
}

export const rawHeader = (fields: RawHeader = {}): Buffer => {
  const block = Buffer.alloc(512)
  const put = (value: string | Buffer, offset: number) =>
    Buffer.from(value as string, 'latin1').copy(block, offset)
  const { size = 0 } = fields
  put(fields.name ?? 'file', 0)
  put('0000644\0', 100)
  put(fields.uid ?? '0000000\0', 108)
  put('0000000\0', 116)
  put(typeof size === 'number' ? `${size.toString(8).padStart(11, '0')}\0` : size, 124)
  put(fields.mtime ?? '00000000000\0', 136)
  put(fields.flag ?? '0', 156)
  put(fields.link ?? '', 157)
  put(fields.magic ?? ustar, 257)
  put(fields.prefix ?? '', 345)
  for (const [offset, value] of Object.entries(fields.at ?? {})) put(value, Number(offset))
  fixChecksum(block)
  return block
}

/** Content with its padding. */
export const content = (bytes: string | Buffer): Buffer => {
  const buffer = Buffer.from(bytes as string, 'latin1')
  return Buffer.concat([buffer, padding(buffer.length)])
}

type Records = readonly (readonly [key: string, value: string | Buffer])[]
const paxHeader = (flag: 'x' | 'g', records: Records): Buffer =>
  encodePax(
    flag,
    Buffer.concat(records.map(([key, value]) => paxRecord(key, Buffer.from(value as string, 'latin1')))),
  )
export const pax = (...records: Records): Buffer => paxHeader('x', records)
export const globalPax = (...records: Records): Buffer => paxHeader('g', records)

/** A GNU long name (`L`) or long link (`K`). */
export const long = (name: string, flag: 'L' | 'K' = 'L'): Buffer =>
  Buffer.concat([
    rawHeader({ name: '././@LongLink', flag, size: name.length + 1, magic: gnu }),
    content(`${name}\0`),
  ])

export const tar = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, endOfArchive])

export const scan = (bytes: Buffer, chunk = bytes.length || 1): TarEntry[] => {
  const entries: TarEntry[] = []
  const scanner = new TarScanner({ entry: entry => entries.push(entry) })
  for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk))
  scanner.end()
  return entries
}

/** `path:type:size` of each entry, or the code of the error that ended the reading. */
export const reading = (bytes: Buffer): string => {
  try {
    return scan(bytes)
      .map(({ path, type, size }) => `${path.toString('latin1')}:${type}:${size}`)
      .join(' ')
  } catch (error) {
    if (error instanceof LadingError) return error.code
    throw error
  }
}
