import { LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { TarEntry } from '../tar/entry.js'
import type { PlainHeader } from '../tar/plain-header.js'
import type { TarEvents } from '../tar/reader.js'
import { type ColumnName, type Columns, columns, type Extra, encodeExtra, entryTypes, Toc } from './toc.js'

/** Collects entries into a Toc. Everything is copied: an entry's buffers may be of a chunk that comes and goes. */
export class TocBuilder {
  #capacity = 1024
  #length = 0
  #columns = allocate(this.#capacity)
  #arena = Buffer.alloc(64 * 1024)
  // Position 0 is the empty text, so that a zeroed column means "none".
  #end = 4
  readonly #interned = new Map<string, number>()
  /** Where the last plain header's owner stands: the next one's is most often the same. */
  #lastOwner = 0

  /** For the reader of a tar: all its entries are added. */
  readonly events: Pick<TarEvents, 'entry'> & Required<Pick<TarEvents, 'plain'>> = {
    entry: entry => this.add(entry),
    plain: (header, offset) => this.addPlain(header, offset),
  }

  /** Throws LIMIT_EXCEEDED beyond limits.entriesPerLayer. */
  add(entry: TarEntry): void {
    const at = this.#next()
    const row = this.#columns
    row.path[at] = this.#text(entry.path)
    row.type[at] = entryTypes.indexOf(entry.type)
    row.mode[at] = entry.mode
    row.uid[at] = entry.uid
    row.gid[at] = entry.gid
    row.seconds[at] = entry.mtime.seconds
    row.nanos[at] = entry.mtime.nanos
    row.size[at] = entry.size
    row.storedSize[at] = entry.storedSize
    row.headerOffset[at] = entry.headerOffset
    row.dataOffset[at] = entry.dataOffset
    row.link[at] = this.#text(entry.linkPath)
    row.owner[at] = this.#owner(entry)
    const extra = extraOf(entry)
    row.extra[at] = extra ? this.#text(encodeExtra(extra)) : 0
  }

  /** The entry whose header is at `offset` of the tar, straight from its block. Throws as `add`. */
  addPlain(header: PlainHeader, offset: number): void {
    const at = this.#next()
    const row = this.#columns
    const { bytes, at: block, nameLength, prefixLength, linkLength } = header
    if (prefixLength === 0) row.path[at] = this.#copy(bytes, block, nameLength)
    else {
      const path = this.#reserve(prefixLength + 1 + nameLength)
      copyInto(this.#arena, path + 4, bytes, block + 345, prefixLength)
      this.#arena[path + 4 + prefixLength] = 0x2f
      copyInto(this.#arena, path + 5 + prefixLength, bytes, block, nameLength)
      row.path[at] = path
    }
    // The digit in the header is the position in entryTypes.
    row.type[at] = header.flag
    row.mode[at] = header.mode
    row.uid[at] = header.uid
    row.gid[at] = header.gid
    row.seconds[at] = header.mtime
    row.size[at] = header.size
    row.storedSize[at] = header.size
    row.headerOffset[at] = offset
    row.dataOffset[at] = offset + 512
    if (linkLength > 0) row.link[at] = this.#copy(bytes, block + 157, linkLength)
    row.owner[at] = this.#plainOwner(header)
  }

  /** `size`: of the uncompressed layer in bytes. */
  finish(size: number): Toc {
    const cut = Object.fromEntries(
      Object.entries(this.#columns).map(([name, column]) => [name, column.slice(0, this.#length)]),
    ) as unknown as Columns
    return new Toc(size, cut, Buffer.from(this.#arena.subarray(0, this.#end)))
  }

  /** The next row; its columns are 0. */
  #next(): number {
    if (this.#length === limits.entriesPerLayer)
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Cannot read the layer: it has more than ${limits.entriesPerLayer} entries`,
      )
    if (this.#length === this.#capacity) this.#grow()
    return this.#length++
  }

  #text(bytes: Buffer): number {
    return bytes.length === 0 ? 0 : this.#copy(bytes, 0, bytes.length)
  }

  #copy(bytes: Uint8Array, start: number, length: number): number {
    const at = this.#reserve(length)
    copyInto(this.#arena, at + 4, bytes, start, length)
    return at
  }

  /** Room for a text of `length` bytes, not 0, behind its length; gives the position. */
  #reserve(length: number): number {
    const at = this.#end
    const end = at + 4 + length
    if (end > this.#arena.length) this.#growArena(end)
    const arena = this.#arena
    arena[at] = length
    arena[at + 1] = length >>> 8
    arena[at + 2] = length >>> 16
    arena[at + 3] = length >>> 24
    this.#end = end
    return at
  }

  #growArena(least: number): void {
    if (least > 0xffff_ffff)
      throw new LadingError('LIMIT_EXCEEDED', 'Cannot read the layer: its names take more than 4 GiB')
    const larger = Buffer.alloc(Math.max(this.#arena.length * 2, least))
    this.#arena.copy(larger, 0, 0, this.#end)
    this.#arena = larger
  }

  /** `user NUL group`; a layer has few of them. */
  #owner({ uname, gname }: Pick<TarEntry, 'uname' | 'gname'>): number {
    if (uname.length === 0 && gname.length === 0) return 0
    const bytes = Buffer.concat([uname, Buffer.from([0]), gname])
    const key = bytes.toString('latin1')
    const known = this.#interned.get(key)
    if (known !== undefined) return known
    const at = this.#text(bytes)
    this.#interned.set(key, at)
    return at
  }

  #plainOwner(header: PlainHeader): number {
    const { bytes, at, unameLength, gnameLength } = header
    if (unameLength === 0 && gnameLength === 0) return 0
    const last = this.#lastOwner + 4
    const arena = this.#arena
    let same = this.#lastOwner > 0 && arena[last + unameLength] === 0
    for (let byte = 0; same && byte < unameLength; byte++)
      same = arena[last + byte] === bytes[at + 265 + byte]
    for (let byte = 0; same && byte < gnameLength; byte++)
      same = arena[last + unameLength + 1 + byte] === bytes[at + 297 + byte]
    same &&= arena.readUInt32LE(this.#lastOwner) === unameLength + 1 + gnameLength
    if (!same)
      this.#lastOwner = this.#owner({
        uname: Buffer.from(bytes.subarray(at + 265, at + 265 + unameLength)),
        gname: Buffer.from(bytes.subarray(at + 297, at + 297 + gnameLength)),
      })
    return this.#lastOwner
  }

  #grow(): void {
    const larger = allocate(this.#capacity * 2)
    for (const name of Object.keys(columns) as ColumnName[]) larger[name].set(this.#columns[name])
    this.#capacity *= 2
    this.#columns = larger
  }
}

/** A name byte by byte: a call of `set` and the view that it wants cost more. */
const copyInto = (target: Uint8Array, to: number, bytes: Uint8Array, start: number, length: number): void => {
  if (length > 256) target.set(bytes.subarray(start, start + length), to)
  else for (let at = 0; at < length; at++) target[to + at] = bytes[start + at]!
}

const allocate = (length: number): Columns =>
  Object.fromEntries(
    Object.entries(columns).map(([name, Column]) => [name, new Column(length)]),
  ) as unknown as Columns

const extraOf = (entry: TarEntry): Extra | undefined => {
  const extra: Extra = {
    ...(entry.uid > 0xffff_ffff && { uid: entry.uid }),
    ...(entry.gid > 0xffff_ffff && { gid: entry.gid }),
    ...(entry.devMajor !== 0 && { devMajor: entry.devMajor }),
    ...(entry.devMinor !== 0 && { devMinor: entry.devMinor }),
    ...(entry.xattrs.length > 0 && { xattrs: entry.xattrs }),
    ...(entry.records && { records: entry.records }),
    ...(entry.sparse && { sparse: entry.sparse }),
  }
  return Object.keys(extra).length > 0 ? extra : undefined
}
