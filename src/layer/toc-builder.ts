import { LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { TarEntry } from '../tar/entry.js'
import { type ColumnName, type Columns, columns, type Extra, encodeExtra, entryTypes, Toc } from './toc.js'

/** Collects entries into a Toc. Everything is copied: an entry's buffers may be of a chunk that comes and goes. */
export class TocBuilder {
  #capacity = 256
  #length = 0
  #columns = allocate(this.#capacity)
  #arena = Buffer.alloc(16 * 1024)
  // Position 0 is the empty text, so that a zeroed column means "none".
  #end = 4
  readonly #interned = new Map<string, number>()

  /** Throws LIMIT_EXCEEDED beyond limits.entriesPerLayer. */
  add(entry: TarEntry): void {
    if (this.#length === limits.entriesPerLayer)
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Cannot read the layer: it has more than ${limits.entriesPerLayer} entries`,
      )
    if (this.#length === this.#capacity) this.#grow()
    const row = this.#columns
    const at = this.#length++
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

  /** `size`: of the uncompressed layer in bytes. */
  finish(size: number): Toc {
    const cut = Object.fromEntries(
      Object.entries(this.#columns).map(([name, column]) => [name, column.slice(0, this.#length)]),
    ) as unknown as Columns
    return new Toc(size, cut, Buffer.from(this.#arena.subarray(0, this.#end)))
  }

  #text(bytes: Buffer): number {
    if (bytes.length === 0) return 0
    const at = this.#end
    const end = at + 4 + bytes.length
    if (end > 0xffff_ffff)
      throw new LadingError('LIMIT_EXCEEDED', 'Cannot read the layer: its names take more than 4 GiB')
    if (end > this.#arena.length) {
      const larger = Buffer.alloc(Math.max(this.#arena.length * 2, end))
      this.#arena.copy(larger, 0, 0, at)
      this.#arena = larger
    }
    this.#arena.writeUInt32LE(bytes.length, at)
    bytes.copy(this.#arena, at + 4)
    this.#end = end
    return at
  }

  /** `user NUL group`; a layer has few of them. */
  #owner({ uname, gname }: TarEntry): number {
    if (uname.length === 0 && gname.length === 0) return 0
    const bytes = Buffer.concat([uname, Buffer.from([0]), gname])
    const key = bytes.toString('latin1')
    const known = this.#interned.get(key)
    if (known !== undefined) return known
    const at = this.#text(bytes)
    this.#interned.set(key, at)
    return at
  }

  #grow(): void {
    const larger = allocate(this.#capacity * 2)
    for (const name of Object.keys(columns) as ColumnName[]) larger[name].set(this.#columns[name])
    this.#capacity *= 2
    this.#columns = larger
  }
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
