import type { EntryType, TarEntry } from '../tar/entry.js'
import { canWriteSparse, type WritableEntry } from '../tar/write.js'
import type { Content } from './content.js'
import type { Inode } from './merged-tree.js'

/** One entry of a tree that is to be written, with where its content is. */
export interface FlatEntry {
  readonly entry: WritableEntry
  /** Of a file that carries its content. */
  readonly content?: Content
}

/** What an entry says of a file besides its name, type and content. */
export type Attributes = Pick<
  WritableEntry,
  'mode' | 'uid' | 'gid' | 'uname' | 'gname' | 'mtime' | 'xattrs' | 'records'
>

/** All that was found; of an implied folder (undefined) docker's mode. */
export const attributesOf = (found: TarEntry | undefined): Attributes => {
  if (found === undefined) return { mode: 0o755 }
  const { mode, uid, gid, uname, gname, mtime, xattrs, records } = found
  return { mode, uid, gid, uname, gname, mtime, xattrs, records }
}

/** What an entry of its kind has besides. */
type Particulars = Pick<WritableEntry, 'size' | 'linkPath' | 'devMajor' | 'devMinor' | 'sparse'>

/**
 * Field by field, so that all entries of a tree are of one shape: V8 makes a new shape of each object into
 * which another is spread, and every reader of such objects is slow.
 */
export const entryWith = (
  { mode, uid, gid, uname, gname, mtime, xattrs, records }: Attributes,
  path: Buffer,
  type: EntryType,
  { size, linkPath, devMajor, devMinor, sparse }: Particulars = nothing,
): WritableEntry => ({
  path,
  type,
  mode,
  uid,
  gid,
  uname,
  gname,
  mtime,
  size,
  linkPath,
  devMajor,
  devMinor,
  xattrs,
  records,
  sparse,
})

const nothing: Particulars = {}
const slash = Buffer.from('/')

/** The entry under which an inode is written first: with its content, or what a link or device has in place of it. */
export const firstEntry = (
  path: Buffer,
  { type, layer }: Inode,
  found: TarEntry | undefined,
  attributes: Attributes,
): FlatEntry => {
  if (type === 'directory') return { entry: entryWith(attributes, Buffer.concat([path, slash]), type) }
  // Only a folder can be implied.
  const { size, linkPath, devMajor, devMinor, sparse } = found!
  if (type === 'file') {
    const holes = sparse && canWriteSparse(sparse) ? sparse : undefined
    return {
      entry: entryWith(attributes, path, type, { size, sparse: holes }),
      content: { layer, entry: found! },
    }
  }
  return {
    entry: entryWith(attributes, path, type, type === 'symlink' ? { linkPath } : { devMajor, devMinor }),
  }
}
