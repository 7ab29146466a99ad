import type { TarEntry } from '../tar/entry.js'
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
  return { mode, uid, gid, uname, gname, mtime, xattrs, ...(records && { records }) }
}

/** The entry under which an inode is written first: with its content, or what a link or device has in place of it. */
export const firstEntry = (
  path: Buffer,
  { type, layer }: Inode,
  found: TarEntry | undefined,
  attributes: Attributes,
): FlatEntry => {
  if (type === 'directory')
    return { entry: { ...attributes, path: Buffer.concat([path, Buffer.from('/')]), type } }
  // Only a folder can be implied.
  const { size, linkPath, devMajor, devMinor, sparse } = found!
  return {
    entry: {
      ...{ ...attributes, path, type, size: type === 'file' ? size : 0 },
      ...(type === 'symlink' && { linkPath }),
      ...(/device/.test(type) && { devMajor, devMinor }),
      ...(type === 'file' && sparse && canWriteSparse(sparse) && { sparse }),
    },
    ...(type === 'file' && { content: { layer, entry: found! } }),
  }
}
