import type { EntryType, PaxRecord, SparseRegion, Xattr } from '../../tar/entry.js'
import type { Content } from '../content.js'

/** One name of a tree in the order of a walk, with what is to be made of it. */
export interface TreeRow {
  /** How many folders it is in; 0 for the root, which nothing need be known of. */
  readonly depth: number
  /** Latin1, one character a byte. */
  readonly name: string
  readonly type: EntryType
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly seconds: number
  readonly nanos: number
  /** Of the file, holes included. */
  readonly size: number
  /** Bytes of content. They lie at `offset` of the open file `fd`, or, where that is -1, are read from `content`. */
  readonly storedSize: number
  readonly fd: number
  readonly offset: number
  readonly content: Content | undefined
  /** Of a symbolic link its target, of a hard link the path of a file that came before; latin1. */
  readonly link: string
  /** A hard link to it may come. */
  readonly isLinked: boolean
  readonly extra: RowExtra | undefined
}

/** What few rows have. */
export interface RowExtra {
  readonly xattrs?: readonly Xattr[]
  readonly records?: readonly PaxRecord[]
  readonly sparse?: readonly SparseRegion[]
  readonly devMajor?: number
  readonly devMinor?: number
}

/** A folder that no layer has an entry for; other rows are made of it. */
export const impliedRow: TreeRow = {
  ...{ depth: 0, name: '', type: 'directory', mode: 0o755, uid: 0, gid: 0, seconds: 0, nanos: 0 },
  ...{ size: 0, storedSize: 0, fd: -1, offset: 0, content: undefined },
  ...{ link: '', isLinked: false, extra: undefined },
}

type Found = { readonly [Key in keyof RowExtra]?: RowExtra[Key] | undefined }

/** Undefined where there is nothing of it. */
export const extraOf = ({ xattrs, records, sparse, devMajor, devMinor }: Found): RowExtra | undefined =>
  xattrs?.length || records?.length || sparse || devMajor || devMinor
    ? {
        ...(xattrs?.length && { xattrs }),
        ...(records?.length && { records }),
        ...(sparse && { sparse }),
        ...(devMajor && { devMajor }),
        ...(devMinor && { devMinor }),
      }
    : undefined
