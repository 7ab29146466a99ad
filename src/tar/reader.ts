/**
 * The tar reader, without I/O: a generator that asks for bytes and is handed them, so that one state machine
 * serves a file read by its headers (`skip` is a seek), a stream (`skip` is a discard) and a hashing loop.
 *
 * A tar is a row of 512-byte blocks: a header, its content padded to blocks, the next header. Some headers
 * only speak about the next one: PAX (`x`, Solaris `X`), GNU long name and long link (`L`, `K`). State is
 * what such headers have said so far:
 *
 *     header ── x X L K ──→ remember, read on    a file ──→ emit, skip its content, forget
 *        └───── g ────────→ hand over, forget    a zero block, or the end ──→ done
 *
 * What each check stops. Two readers that disagree on the length of one entry read different archives:
 *  - where readers differ, Go's decides, since docker, containerd and podman unpack with it: a global PAX header
 *    changes no entry (GNU tar lets its size move the next header), the last of two PAX headers counts alone and
 *    a global one between takes it away, a GNU long name counts before the PAX path;
 *  - PAX speaks about the next real entry only, never about an `L` or `K` between (node-tar 7.5.16: shifted headers);
 *  - the PAX size decides both the content and where the next header is (CVE-2025-62518), and a header that
 *    says another size, not 0, is refused;
 *  - sizes are whole and not negative (CVE-2026-59874: a negative one loops for ever);
 *  - links, devices, folders and FIFOs have no content whatever their size says, as in Go's reader, which is docker's;
 *  - a header's text is at most limits.tarMetadata (CVE-2022-2879), and only the last of a kind is held; sparse maps are bounded in sparse.ts;
 *  - a path with a NUL would be one name here and a shorter one in a system call (CVE-2026-59875): refused.
 * A header that needs none of this may be read in place, without an entry made of it: plain-header.ts, which
 * leaves to this reader whatever would be an error.
 *
 * The first zero block is the end, as for GNU tar and Python; what follows is padding. (Go wants a second one or
 * the end of the file behind it, and fails.) A tar that ends without
 * one, after a whole entry, has lost nothing and is taken.
 */
import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { limits } from '../spec/limits.js'
import type { EntryType, PaxRecord, TarEntry } from './entry.js'
import { blockSize, blocks, type Header, isZeroBlock, readHeader } from './header.js'
import { badTar } from './numbers.js'
import { readOtherRecords, readPaxRecords, readXattrs } from './pax.js'
import type { PlainLane, PlainSink } from './plain-lane.js'
import type { TarAnswer, TarRequest } from './protocol.js'
import { readSparse } from './read-sparse.js'
import { effectiveRecords, type Records, recordNumber, recordTime, recordValue } from './records.js'
import { checkRegions } from './sparse.js'
import { truncated } from './truncated.js'

export interface TarEvents {
  entry(entry: TarEntry): void
  /** Instead of `entry`, for those that need no TarEntry to be made of them. If absent, all come as entries. */
  readonly plain?: PlainSink
  /** The records of a global PAX header. */
  global?(records: readonly PaxRecord[]): void
}

export type TarMachine = Generator<TarRequest, void, TarAnswer>

/** What headers have said about the entry to come. */
interface Ahead {
  readonly start: number
  records: PaxRecord[]
  path?: Buffer
  link?: Buffer
}

/**
 * Emits every entry in order. Throws BAD_TAR, TRUNCATED, LIMIT_EXCEEDED, UNSUPPORTED. What the driver took by
 * `lane` before it answers, it has emitted itself.
 */
export function* readTar(events: TarEvents, lane?: PlainLane): TarMachine {
  let ahead: Ahead | undefined
  let offset = 0
  let skip = 0
  let padding = 0
  let inside: Buffer | undefined

  for (;;) {
    const answer = yield { skip, take: blockSize, fresh: ahead === undefined }
    if (lane?.taken) {
      lane.taken = false
      offset = lane.offset
      skip = blocks(lane.size)
      padding = skip - lane.size
      inside = lane.path
    }
    if (typeof answer === 'number') {
      // The content is whole and only its padding is missing.
      if (answer <= padding && ahead === undefined) return
      const place = inside ? JSON.stringify(visible(inside)) : 'a volume header'
      throw truncated(`inside ${place}`, offset + skip - answer, offset + skip)
    }
    offset += skip
    skip = 0
    if (answer.length < blockSize || isZeroBlock(answer)) {
      if (ahead !== undefined)
        throw truncated('after a header that speaks about the next entry', offset, offset + blockSize)
      if (isZeroBlock(answer)) return
      throw truncated('inside a header', offset + answer.length, offset + blockSize)
    }
    const header = readHeader(answer, offset)
    const start = ahead?.start ?? offset
    offset += blockSize

    if ('xXgLK'.includes(header.typeflag)) {
      const body = yield* takeMetadata(header, offset)
      if (header.typeflag === 'g') {
        events.global?.(readPaxRecords(body, offset - blockSize))
        if (ahead) ahead = undefined
      } else {
        ahead ??= { start, records: [] }
        if (header.typeflag === 'L') ahead.path = untilNul(body)
        else if (header.typeflag === 'K') ahead.link = untilNul(body)
        else ahead.records = readPaxRecords(body, offset - blockSize)
      }
      offset += blocks(header.size)
      continue
    }

    const records = effectiveRecords(ahead?.records ?? [])
    const size = sizeOf(header, records, offset - blockSize)
    if (isNoEntry(header)) {
      // A volume label or what GNU tar noted for itself: its content is passed over.
      skip = blocks(size)
      padding = skip - size
      inside = undefined
      ahead = undefined
      continue
    }
    const name = ahead?.path?.length ? ahead.path : (recordValue(records, 'path') ?? header.name)
    const type = typeOf(header, name)
    // GNU tar's dump of a folder lists its names in its content.
    const content = type === 'file' || header.typeflag === 'D' ? size : 0
    const map = yield* readSparse(header, answer, records, offset, content)
    const path = checkName((map && recordValue(records, 'GNU.sparse.name')) ?? name, 'path', offset)
    inside = path
    const dataOffset = offset + (map?.headerBytes ?? 0)
    const storedSize = type === 'file' ? content - (map?.dataBytes ?? 0) : 0
    const others = readOtherRecords(records.values())
    if (map) checkRegions(map.regions, map.size, storedSize, offset - blockSize)
    const entry: TarEntry = {
      path,
      type,
      mode: header.mode,
      uid: recordNumber(records, 'uid', offset) ?? header.uid,
      gid: recordNumber(records, 'gid', offset) ?? header.gid,
      uname: recordValue(records, 'uname') ?? header.uname,
      gname: recordValue(records, 'gname') ?? header.gname,
      mtime: recordTime(records, offset) ?? header.mtime,
      size: map?.size ?? (type === 'file' ? content : 0),
      linkPath:
        type === 'hardlink' || type === 'symlink' ? linkOf(header, records, ahead, offset) : Buffer.alloc(0),
      devMajor: header.devMajor,
      devMinor: header.devMinor,
      xattrs: readXattrs(records.values()),
      headerOffset: start,
      dataOffset,
      storedSize,
    }
    const isPlain = others.length === 0 && map === undefined
    events.entry(
      isPlain
        ? entry
        : { ...entry, ...(others.length > 0 && { records: others }), ...(map && { sparse: map.regions }) },
    )
    skip = blocks(content) - (map?.dataBytes ?? 0)
    padding = blocks(content) - content
    offset = dataOffset
    ahead = undefined
  }
}

function* takeMetadata(header: Header, offset: number): Generator<TarRequest, Buffer, TarAnswer> {
  if (header.size > limits.tarMetadata)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Bad tar header at offset ${offset - blockSize}: it announces ${header.size} bytes of names, at most ${limits.tarMetadata} are allowed`,
    )
  const body = yield { skip: 0, take: blocks(header.size) }
  if (typeof body === 'number' || body.length < header.size)
    throw truncated(
      'inside an extended header',
      offset + (typeof body === 'number' ? 0 : body.length),
      offset + header.size,
    )
  return Buffer.from(body.subarray(0, header.size))
}

const isNoEntry = ({ typeflag, name }: Header): boolean => {
  if (typeflag === 'M')
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot read ${JSON.stringify(visible(name))}: it is continued from another volume`,
    )
  return 'VNIA'.includes(typeflag)
}

/** An unknown flag is a file, as POSIX says; in v7 a folder is a file whose whole name ends in a slash. */
const typeOf = ({ typeflag }: Header, name: Buffer): EntryType =>
  typeflag === '\0' && name.at(-1) === 0x2f ? 'directory' : (types[typeflag] ?? 'file')

const types: Readonly<Record<string, EntryType>> = {
  ...{
    1: 'hardlink',
    2: 'symlink',
    3: 'character-device',
    4: 'block-device',
    5: 'directory',
    6: 'fifo',
    D: 'directory',
  },
}

/** What cannot be told in a header is 0 there, or as much as fits: then PAX has it alone. */
const largestOctal = 8 ** 11 - 1

const sizeOf = (header: Header, records: Records, offset: number): number => {
  const size = recordNumber(records, 'size', offset + blockSize)
  if (size === undefined) return header.size
  if (header.size !== 0 && header.size !== size && size <= largestOctal)
    throw badTar(
      offset,
      `it says ${header.size} bytes, its PAX header ${size}: readers would disagree on where the next one is`,
      {
        header: header.size,
        pax: size,
      },
    )
  return size
}

const linkOf = (header: Header, records: Records, ahead: Ahead | undefined, offset: number): Buffer =>
  checkName(
    ahead?.link?.length ? ahead.link : (recordValue(records, 'linkpath') ?? header.linkName),
    'link',
    offset,
  )

const checkName = (name: Buffer, what: string, offset: number): Buffer => {
  if (name.includes(0))
    throw badTar(offset - blockSize, `the ${what} ${JSON.stringify(visible(name))} holds a NUL`)
  if (name.length === 0) throw badTar(offset - blockSize, `the ${what} is empty`)
  return name
}

const untilNul = (body: Buffer): Buffer => {
  const nul = body.indexOf(0)
  return nul < 0 ? body : body.subarray(0, nul)
}
