/**
 * PAX records (POSIX pax, "Extended Header"): `LENGTH KEY=VALUE\n`, the length counting the whole record, so a
 * value may hold any byte. A record whose length does not end on its own newline would let two readers see
 * different records behind it: it is an error.
 */
import type { PaxRecord, Timestamp, Xattr } from './entry.js'
import { badTar } from './numbers.js'

/** In the order they stand; keys as latin1, one character a byte. `offset` is that of the header, for messages. */
export const readPaxRecords = (body: Buffer, offset: number): PaxRecord[] => {
  const records: PaxRecord[] = []
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at)
    const digits = body.toString('latin1', at, Math.max(space, at))
    const length = /^[1-9]\d{0,7}$/.test(digits) ? Number(digits) : 0
    const equals = body.indexOf(0x3d, space)
    const end = at + length
    if (length === 0 || end > body.length || body[end - 1] !== 0x0a || equals < 0 || equals >= end - 1)
      throw badTar(
        offset,
        `the PAX record at byte ${at} of ${body.length} is not "LENGTH KEY=VALUE" with a newline where its length says`,
      )
    const key = body.toString('latin1', space + 1, equals)
    if (key === '') throw badTar(offset, `the PAX record at byte ${at} has no key`)
    records.push({ key, value: Buffer.from(body.subarray(equals + 1, end - 1)) })
    at = end
  }
  return records
}

/** `[-]SECONDS[.FRACTION]`; nanoseconds are what is kept of the fraction. A time before 1970 counts down, its nanos up. */
export const readPaxTime = (value: Buffer, offset: number): Timestamp => {
  const match = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(value.toString('latin1'))
  if (!match)
    throw badTar(
      offset,
      `found ${JSON.stringify(value.toString('latin1').slice(0, 40))} for mtime, wanted seconds with a fraction`,
    )
  const [, sign, whole, fraction = ''] = match
  const seconds = Number(whole)
  const nanos = Number(fraction.slice(0, 9).padEnd(9, '0'))
  if (sign === '') return { seconds, nanos }
  return nanos === 0
    ? { seconds: 0 - seconds, nanos }
    : { seconds: -seconds - 1, nanos: 1_000_000_000 - nanos }
}

/**
 * The extended attributes among `records`. star's SCHILY.xattr has the bytes as they are; libarchive writes
 * LIBARCHIVE.xattr as well, %-encoded name and base64 value, for readers that cannot hold bytes: it counts
 * only where the first is missing. RHT.security.selinux is what old Fedora wrote.
 */
export const readXattrs = (records: Iterable<PaxRecord>): readonly Xattr[] => {
  const found = new Map<string, Buffer>()
  const second = new Map<string, Buffer>()
  for (const { key, value } of records) {
    if (key.startsWith('SCHILY.xattr.')) found.set(key.slice(13), value)
    else if (key.startsWith('LIBARCHIVE.xattr.'))
      second.set(decodePercent(key.slice(17)), Buffer.from(value.toString('latin1'), 'base64'))
    else if (key === 'RHT.security.selinux') second.set('security.selinux', value)
  }
  for (const [name, value] of second) if (!found.has(name)) found.set(name, value)
  return [...found].map(([name, value]) => ({ name: Buffer.from(name, 'latin1'), value }))
}

/**
 * The records that say something lasting about a file and are none of TarEntry's fields: ACLs as star's text,
 * file flags, what Windows notes. When it was read or archived is nothing of the file's own.
 */
export const readOtherRecords = (records: Iterable<PaxRecord>): readonly PaxRecord[] =>
  [...records].filter(({ key }) => !fields.has(key) && !passing.test(key))

const fields = new Set(['path', 'linkpath', 'size', 'uid', 'gid', 'uname', 'gname', 'mtime'])
const passing =
  /^(?:atime|ctime|charset|comment|hdrcharset|GNU\.sparse\..*|(?:SCHILY|LIBARCHIVE)\.xattr\..*|RHT\.security\.selinux|SCHILY\.(?:dev|filetype|ino|nlink|realsize))$/

const decodePercent = (text: string): string =>
  text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
