import type { EntryType, PaxRecord, SparseRegion, TarEntry, Xattr } from '../tar/entry.js'

/** The columns, in the order of the file: name, what one row is, the rows' width in bytes (README.md of this folder). */
export const columns = {
  seconds: Float64Array,
  size: Float64Array,
  storedSize: Float64Array,
  headerOffset: Float64Array,
  dataOffset: Float64Array,
  path: Uint32Array,
  link: Uint32Array,
  owner: Uint32Array,
  extra: Uint32Array,
  uid: Uint32Array,
  gid: Uint32Array,
  nanos: Uint32Array,
  mode: Uint16Array,
  type: Uint8Array,
} as const

export type ColumnName = keyof typeof columns
export type Columns = { readonly [Name in ColumnName]: InstanceType<(typeof columns)[Name]> }

export const entryTypes: readonly EntryType[] = [
  'file',
  'hardlink',
  'symlink',
  'character-device',
  'block-device',
  'directory',
  'fifo',
]

interface Owner {
  readonly uname: Buffer
  readonly gname: Buffer
}

const none = Buffer.alloc(0)

/**
 * The table of contents of a layer: one record an entry, in the order of the tar. Kept as columns of numbers
 * over one arena of bytes, which is also the form of the file: loading it is making views. An entry is made
 * when it is asked for, and costs nothing before.
 */
export class Toc implements Iterable<TarEntry> {
  readonly length: number
  /** Of the uncompressed layer, in bytes, what follows the end of the tar included. */
  readonly size: number
  readonly columns: Columns
  /** Texts and extras, each behind its length (u32); row values are positions in it, 0 is the empty text. */
  readonly arena: Buffer
  /** By position in the arena: a layer has few of them. */
  readonly #owners = new Map<number, Owner>()

  constructor(size: number, columns: Columns, arena: Buffer) {
    this.length = columns.type.length
    this.size = size
    this.columns = columns
    this.arena = arena
  }

  /** The path alone, as it stands in the tar; a view. */
  path(index: number): Buffer {
    return this.#text(this.columns.path[index]!)
  }

  /** What a link names, as it stands in the tar; a view, empty for what is no link. */
  link(index: number): Buffer {
    return this.#text(this.columns.link[index]!)
  }

  /** Throws RangeError outside 0 … length − 1. */
  entry(index: number): TarEntry {
    if (!(index >= 0 && index < this.length)) throw new RangeError(`No entry ${index} of ${this.length}`)
    const row = this.columns
    const { uname, gname } = this.#owner(row.owner[index]!)
    const entry: TarEntry = {
      path: this.path(index),
      type: entryTypes[row.type[index]!]!,
      mode: row.mode[index]!,
      uid: row.uid[index]!,
      gid: row.gid[index]!,
      uname,
      gname,
      mtime: { seconds: row.seconds[index]!, nanos: row.nanos[index]! },
      size: row.size[index]!,
      linkPath: this.link(index),
      devMajor: 0,
      devMinor: 0,
      xattrs: noXattrs,
      headerOffset: row.headerOffset[index]!,
      dataOffset: row.dataOffset[index]!,
      storedSize: row.storedSize[index]!,
    }
    const extra = row.extra[index]!
    return extra === 0 ? entry : { ...entry, ...decodeExtra(this.#text(extra)) }
  }

  *[Symbol.iterator](): Iterator<TarEntry> {
    for (let index = 0; index < this.length; index++) yield this.entry(index)
  }

  #owner(at: number): Owner {
    let owner = this.#owners.get(at)
    if (owner === undefined) {
      const text = this.#text(at)
      const nul = text.indexOf(0)
      owner = {
        uname: nul < 0 ? text : text.subarray(0, nul),
        gname: nul < 0 ? text : text.subarray(nul + 1),
      }
      this.#owners.set(at, owner)
    }
    return owner
  }

  #text(at: number): Buffer {
    if (at === 0) return none
    return this.arena.subarray(at + 4, at + 4 + this.arena.readUInt32LE(at))
  }
}

/** What few entries have. Numbers that do not fit 32 bits (an owner may be anything in a tar) are here too. */
export interface Extra {
  readonly uid?: number
  readonly gid?: number
  readonly devMajor?: number
  readonly devMinor?: number
  readonly xattrs?: readonly Xattr[]
  readonly records?: readonly PaxRecord[]
  readonly sparse?: readonly SparseRegion[]
}

const noXattrs: readonly Xattr[] = []

/** JSON, bytes as base64: rare, and any reader can read it. */
export const encodeExtra = ({ xattrs, records, ...rest }: Extra): Buffer =>
  Buffer.from(
    JSON.stringify({
      ...rest,
      ...(xattrs && {
        xattrs: xattrs.map(({ name, value }) => [name.toString('base64'), value.toString('base64')]),
      }),
      ...(records && { records: records.map(({ key, value }) => [key, value.toString('base64')]) }),
    }),
  )

type Pairs = readonly (readonly [string, string])[]

const decodeExtra = (bytes: Buffer): Extra => {
  const { xattrs, records, ...rest } = JSON.parse(bytes.toString()) as Omit<Extra, 'xattrs' | 'records'> & {
    xattrs?: Pairs
    records?: Pairs
  }
  return {
    ...rest,
    ...(xattrs && {
      xattrs: xattrs.map(([name, value]) => ({
        name: Buffer.from(name, 'base64'),
        value: Buffer.from(value, 'base64'),
      })),
    }),
    ...(records && {
      records: records.map(([key, value]) => ({ key, value: Buffer.from(value, 'base64') })),
    }),
  }
}
