/**
 * Header blocks as lading writes them: ustar, and a PAX header before it only where ustar cannot hold
 * something. The same entry gives the same bytes: no process number or clock in a PAX header's name, as other
 * writers put there. Numbers that do not fit are in PAX and 0 in the header, so no two readers can differ.
 */
import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { limits } from '../spec/limits.js'
import { encodeHeader, fitName } from './encode-header.js'
import type { EntryType, SparseRegion, TarEntry, Timestamp } from './entry.js'
import { blockSize, blocks } from './header.js'

export type WritableEntry = Pick<TarEntry, 'path' | 'type'> & {
  readonly [Key in Optional]?: TarEntry[Key] | undefined
}

type Optional =
  | 'mode'
  | 'uid'
  | 'gid'
  | 'uname'
  | 'gname'
  | 'mtime'
  | 'size'
  | 'linkPath'
  | 'devMajor'
  | 'devMinor'
  | 'xattrs'
  | 'records'
  | 'sparse'

const none = Buffer.alloc(0)
const flags: Readonly<Record<EntryType, string>> = {
  ...{
    file: '0',
    hardlink: '1',
    symlink: '2',
    'character-device': '3',
    'block-device': '4',
    directory: '5',
    fifo: '6',
  },
}

/**
 * The header of an entry, with the PAX header that it needs. What follows is `size` bytes and `padding(size)`;
 * of a sparse file (GNU tar's PAX format 1.0, its map ends the header) the bytes of its regions and their padding.
 * Throws UNSUPPORTED for what no tar header can say: it would read back as something else.
 */
export const encodeEntry = (entry: WritableEntry): Buffer => encodePlain(entry) ?? encodeWithRecords(entry)

/** Most entries: the header alone holds all that there is to say. An export has tens of thousands of them. */
const encodePlain = (entry: WritableEntry): Buffer | undefined => {
  const { path, type, uid = 0, gid = 0, size = 0, devMajor = 0, devMinor = 0, mtime } = entry
  const { uname = none, gname = none, linkPath = none, xattrs, records, sparse } = entry
  if (sparse !== undefined || (xattrs?.length ?? 0) > 0 || (records?.length ?? 0) > 0) return undefined
  if (uid >= 8 ** 7 || gid >= 8 ** 7 || size >= 8 ** 11 || devMajor >= 8 ** 7 || devMinor >= 8 ** 7)
    return undefined
  const seconds = mtime?.seconds ?? 0
  if ((mtime !== undefined && mtime.nanos !== 0) || seconds < 0 || seconds >= 8 ** 11) return undefined
  if (path.length === 0 || linkPath.length > 100 || uname.length > 31 || gname.length > 31) return undefined
  if (holdsNul(path) || holdsNul(linkPath) || holdsNul(uname) || holdsNul(gname)) return undefined
  const name = fitName(path)
  if (name === undefined) return undefined
  const mode = entry.mode ?? (type === 'directory' ? 0o755 : 0o644)
  // Written out: to spread one object into another costs more than all the rest.
  return encodeHeader({
    name,
    flag: flags[type],
    mode,
    uid,
    gid,
    size,
    mtime: seconds,
    linkPath,
    uname,
    gname,
    devMajor,
    devMinor,
  })
}

const holdsNul = (text: Buffer): boolean => {
  for (let at = 0; at < text.length; at++) if (text[at] === 0) return true
  return false
}

const encodeWithRecords = (entry: WritableEntry): Buffer => {
  const {
    path,
    type,
    mode = type === 'directory' ? 0o755 : 0o644,
    uid = 0,
    gid = 0,
    size = 0,
    devMajor = 0,
    devMinor = 0,
  } = entry
  const { uname = none, gname = none, linkPath = none, xattrs = [], mtime = { seconds: 0, nanos: 0 } } = entry
  const records: Buffer[] = []
  const fail = (problem: string): never => {
    throw new LadingError('UNSUPPORTED', `Cannot write ${JSON.stringify(visible(path))} to a tar: ${problem}`)
  }
  if (path.length === 0 || [path, linkPath, uname, gname].some(holdsNul))
    fail('a name is empty or holds a NUL')
  if (devMajor >= 8 ** 7 || devMinor >= 8 ** 7) fail(`there is no room for device ${devMajor}:${devMinor}`)
  const map = entry.sparse && encodeSparseMap(entry.sparse, size)
  const name = map ? undefined : fitName(path)
  if (map) records.push(...sparseRecords(path, size))
  else if (name === undefined) records.push(paxRecord('path', path))
  if (linkPath.length > 100) records.push(paxRecord('linkpath', linkPath))
  const fitted = (key: string, value: number, digits: number): number => {
    if (value < 8 ** digits) return value
    records.push(paxRecord(key, Buffer.from(String(value))))
    return 0
  }
  const text = (key: string, value: Buffer): Buffer => {
    if (value.length <= 31) return value
    records.push(paxRecord(key, value))
    return none
  }
  const wholeTime = mtime.nanos === 0 && mtime.seconds >= 0 && mtime.seconds < 8 ** 11
  if (!wholeTime) records.push(paxRecord('mtime', Buffer.from(formatTime(mtime))))
  const header = encodeHeader({
    name: name ?? { prefix: none, name: map ? sparseName : path.subarray(0, 100) },
    flag: flags[type],
    mode,
    uid: fitted('uid', uid, 7),
    gid: fitted('gid', gid, 7),
    size: fitted('size', map ? map.length + storedLength(entry.sparse!) : size, 11),
    mtime: wholeTime ? mtime.seconds : 0,
    linkPath: linkPath.subarray(0, 100),
    uname: text('uname', uname),
    gname: text('gname', gname),
    devMajor,
    devMinor,
  })
  for (const { name, value } of xattrs) {
    // The first equals sign ends the key.
    if (name.length === 0 || name.includes(0x3d) || name.includes(0))
      fail(`the attribute ${JSON.stringify(visible(name))} cannot be the key of a PAX record`)
    records.push(paxRecord(`SCHILY.xattr.${name.toString('latin1')}`, value))
  }
  for (const { key, value } of entry.records ?? []) records.push(paxRecord(key, value))
  if (records.length === 0) return header
  const body = Buffer.concat(records)
  if (body.length > limits.tarMetadata)
    fail(`its names and attributes take ${body.length} bytes, readers take ${limits.tarMetadata}`)
  return Buffer.concat([encodePax('x', body), header, ...(map ? [map] : [])])
}

/** Where a reader that knows nothing of sparse files puts the map and the regions. */
const sparseName = Buffer.from('GNUSparseFile.0/entry')

const sparseRecords = (path: Buffer, size: number): readonly Buffer[] => [
  paxRecord('GNU.sparse.major', Buffer.from('1')),
  paxRecord('GNU.sparse.minor', Buffer.from('0')),
  paxRecord('GNU.sparse.name', path),
  paxRecord('GNU.sparse.realsize', Buffer.from(String(size))),
]

/** How many regions, and each one's offset and length: decimal numbers, a line each, filled up to whole blocks. */
const encodeSparseMap = (regions: readonly SparseRegion[], size: number): Buffer => {
  // GNU tar makes a file as long as its last region ends: where a hole is last, an empty region says so.
  const end = regions.at(-1)
  const all = end && end.offset + end.length === size ? regions : [...regions, { offset: size, length: 0 }]
  const numbers = [all.length, ...all.flatMap(({ offset, length }) => [offset, length])]
  const text = Buffer.from(numbers.map(number => `${number}\n`).join(''))
  return Buffer.concat([text, padding(text.length)])
}

/** GNU tar looks for each region at a new block: where one ends elsewhere, holes must be written out. */
export const canWriteSparse = (regions: readonly SparseRegion[]): boolean =>
  regions.slice(0, -1).every(({ length }) => length % blockSize === 0)

/** Bytes of content that the tar holds of a sparse file. */
export const storedLength = (regions: readonly SparseRegion[]): number =>
  regions.reduce((sum, { length }) => sum + length, 0)

/** Zeros that fill the last block of `size` bytes of content. */
export const padding = (size: number): Buffer => zeros.subarray(0, blocks(size) - size)
const zeros = Buffer.alloc(blockSize)

/** Two zero blocks. */
export const endOfArchive = Buffer.alloc(2 * blockSize)

/** A PAX header with its body: `x` for the next entry, `g` for all that follow. */
export const encodePax = (flag: 'x' | 'g', body: Buffer): Buffer =>
  Buffer.concat([paxHeader(flag, body.length), body, padding(body.length)])

/** Most files that a container has changed have one, for their time, and few lengths. */
const headers = new Map<string, Buffer>()
const paxHeader = (flag: 'x' | 'g', size: number): Buffer => {
  const key = `${flag}${size}`
  const known = headers.get(key)
  if (known !== undefined) return known
  const header = encodeHeader({
    name: { prefix: none, name: Buffer.from(flag === 'g' ? 'pax_global_header' : 'PaxHeaders/entry') },
    ...{ flag, mode: 0o644, uid: 0, gid: 0, size, mtime: 0, linkPath: none },
    ...{ uname: none, gname: none, devMajor: 0, devMinor: 0 },
  })
  if (size <= blockSize) headers.set(key, header)
  return header
}

/** `LENGTH KEY=VALUE\n`; the length counts its own digits. `key` is latin1, one character a byte. */
export const paxRecord = (key: string, value: Buffer): Buffer => {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')])
  let length = rest.length
  while (length !== rest.length + String(length).length) length = rest.length + String(length).length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

const formatTime = ({ seconds, nanos }: Timestamp): string => {
  const fraction = (value: number) =>
    value === 0 ? '' : `.${String(value).padStart(9, '0').replace(/0+$/, '')}`
  if (seconds >= 0 || nanos === 0) return `${seconds}${fraction(nanos)}`
  return `-${-seconds - 1}${fraction(1_000_000_000 - nanos)}`
}
