/**
 * A merged tree as one tar: what a container sees, with nothing of how it came about. Parents come before
 * their content and names stand in byte order within each folder, as docker export has them; the first name
 * of an inode carries the content and the others are links to it, so a link never comes before its target.
 * The same tree gives the same bytes.
 */
import type { ByteSource, ByteStream } from '../bytes/byte-stream.js'
import type { TarEntry } from '../tar/entry.js'
import { encodeEntry, endOfArchive, padding, type WritableEntry } from '../tar/write.js'
import { contentFrom } from './content.js'
import type { Inode, MergedTree, TreeNode } from './merged-tree.js'

export interface FlatOptions {
  /** What goes into the tar, by path (latin1, one character a byte); folders above what goes in go in too. All, if absent. */
  readonly includes?: (path: string) => boolean
  /** Only what docker export keeps: whole seconds, and of extended attributes the capabilities. */
  readonly bare?: boolean
}

/** One entry of the flat tar, with where its content is. */
export interface FlatEntry {
  readonly entry: WritableEntry
  /** Of a file that carries its content: the layer, 0 for the base, and its entry there. */
  readonly content?: { readonly layer: number; readonly entry: TarEntry }
}

/** What a flattening cannot keep of single files. */
export interface FlatLosses {
  readonly xattrs: number
  readonly subSecondTimes: number
}

/** The entries of the flat tar in order; the root itself is none of them. */
export const flatEntries = (
  tree: MergedTree,
  { includes = () => true, bare = false }: FlatOptions = {},
): { entries: readonly FlatEntry[]; losses: FlatLosses } => {
  const kept = new Set<TreeNode>()
  for (const node of tree.walk())
    if (includes(tree.pathOf(node)))
      for (let at: TreeNode | undefined = node; at?.parent && !kept.has(at); at = at.parent) kept.add(at)
  const first = new Map<Inode, Buffer>()
  const losses = { xattrs: 0, subSecondTimes: 0 }
  const entries: FlatEntry[] = []
  for (const node of tree.walk()) {
    if (!kept.has(node)) continue
    const path = Buffer.from(tree.pathOf(node), 'latin1')
    const found = tree.entry(node)
    const attributes = found === undefined ? { mode: 0o755 } : attributesOf(found, bare, losses)
    const target = first.get(node.inode)
    if (target !== undefined) {
      entries.push({ entry: { ...attributes, path, type: 'hardlink', linkPath: target } })
      continue
    }
    const { type, layer } = node.inode
    if (type !== 'directory') first.set(node.inode, path)
    const size = type === 'file' ? found!.size : 0
    entries.push({
      entry: {
        ...attributes,
        ...{ path: type === 'directory' ? Buffer.concat([path, Buffer.from('/')]) : path, type, size },
        ...(type === 'symlink' && { linkPath: found!.linkPath }),
        ...(found && /device/.test(type) && { devMajor: found.devMajor, devMinor: found.devMinor }),
      },
      ...(type === 'file' && found && { content: { layer, entry: found } }),
    })
  }
  return { entries, losses }
}

const capability = 'security.capability'

const attributesOf = (found: TarEntry, bare: boolean, losses: { xattrs: number; subSecondTimes: number }) => {
  const { mode, uid, gid, uname, gname, mtime, xattrs } = found
  if (!bare) return { mode, uid, gid, uname, gname, mtime, xattrs }
  const kept = xattrs.filter(({ name }) => name.toString('latin1') === capability)
  losses.xattrs += xattrs.length - kept.length
  if (mtime.nanos !== 0) losses.subSecondTimes++
  // A symbolic link on disk has no mode of its own.
  const shown = found.type === 'symlink' ? 0o777 : mode
  return { mode: shown, uid, gid, uname, gname, mtime: { seconds: mtime.seconds, nanos: 0 }, xattrs: kept }
}

/** The bytes of the tar. `layers` are the uncompressed layers, base first; `head` goes before everything. */
export async function* flatTar(
  entries: Iterable<FlatEntry>,
  layers: readonly ByteSource[],
  head: Buffer = Buffer.alloc(0),
): ByteStream {
  // Headers are small and many: they go out together, up to this much.
  let pending: Buffer[] = head.length > 0 ? [head] : []
  let held = head.length
  const hold = (bytes: Buffer) => {
    pending.push(bytes)
    held += bytes.length
  }
  for (const { entry, content } of entries) {
    hold(encodeEntry(entry))
    if (content !== undefined && content.entry.size > 0) {
      const stream = contentFrom(layers[content.layer]!, content.entry)
      if (content.entry.size < 64 * 1024) for await (const chunk of stream) hold(Buffer.from(chunk))
      else {
        yield Buffer.concat(pending)
        pending = []
        held = 0
        yield* stream
      }
      hold(padding(content.entry.size))
    }
    if (held >= 512 * 1024) {
      yield Buffer.concat(pending)
      pending = []
      held = 0
    }
  }
  hold(endOfArchive)
  yield Buffer.concat(pending)
}
