/**
 * A merged tree as one tar: what a container sees, with nothing of how it came about. Parents come before
 * their content and names stand in byte order within each folder, as docker export has them; the first name
 * of an inode carries the content and the others are links to it, so a link never comes before its target.
 * The same tree gives the same bytes.
 */
import type { Part } from '../bytes/parts.js'
import type { TarEntry } from '../tar/entry.js'
import { blockSize } from '../tar/header.js'
import { encodeEntry, endOfArchive, padding } from '../tar/write.js'
import { type Contents, fillHoles } from './content.js'
import { type Attributes, attributesOf, entryWith, type FlatEntry, firstEntry } from './flat-entry.js'
import type { Inode, MergedTree, TreeNode } from './merged-tree.js'

export interface FlatOptions {
  /** What goes into the tar, by path (latin1, one character a byte); folders above what goes in go in too. All, if absent. */
  readonly includes?: (path: string) => boolean
  /** Only what docker export keeps: whole seconds, of extended attributes the capabilities, no holes, nothing of the root. */
  readonly bare?: boolean
}

/** What a flattening cannot keep, by the number of files. */
export class FlatLosses {
  xattrs = 0
  records = 0
  subSecondTimes = 0
}

/**
 * The entries of the flat tar in order, made one by one. The root is the first, unless `bare` or nothing is known
 * of it. What cannot be kept is counted in `losses` on the way.
 */
export function* flatEntries(
  tree: MergedTree,
  { includes, bare = false }: FlatOptions = {},
  losses = new FlatLosses(),
): Iterable<FlatEntry> {
  const kept = includes && keptNodes(tree, includes)
  const first = new Map<Inode, Buffer>()
  const root = tree.entry(tree.root)
  if (root && !bare) yield { entry: entryWith(attributesOf(root), Buffer.from('./'), 'directory') }
  for (const node of tree.walk()) {
    if (kept?.has(node) === false) continue
    const { inode } = node
    const path = Buffer.from(tree.pathOf(node), 'latin1')
    const found = tree.entry(node)
    const attributes = bare && found ? bareAttributes(found, losses) : attributesOf(found)
    const target = first.get(inode)
    if (target !== undefined) {
      yield { entry: entryWith(attributes, path, 'hardlink', { linkPath: target }) }
      continue
    }
    if (inode.links > 1 && inode.type !== 'directory') first.set(inode, path)
    const made = firstEntry(path, inode, found, attributes)
    yield bare && made.entry.sparse ? { ...made, entry: { ...made.entry, sparse: undefined } } : made
  }
}

/** Bytes of all files of a tree together, names of one file counted once. */
export const contentBytes = (tree: MergedTree): number => {
  const linked = new Set<Inode>()
  let bytes = 0
  for (const { inode } of tree.walk()) {
    const { type, layer, index, links } = inode
    if (type !== 'file' || index === undefined || linked.has(inode)) continue
    if (links > 1) linked.add(inode)
    bytes += tree.tocs[layer]!.columns.size[index]!
  }
  return bytes
}

const keptNodes = (tree: MergedTree, includes: (path: string) => boolean): ReadonlySet<TreeNode> => {
  const kept = new Set<TreeNode>()
  for (const node of tree.walk())
    if (includes(tree.pathOf(node)))
      for (let at: TreeNode | undefined = node; at?.parent && !kept.has(at); at = at.parent) kept.add(at)
  return kept
}

const capability = 'security.capability'

const bareAttributes = (found: TarEntry, losses: FlatLosses): Attributes => {
  const { uid, gid, uname, gname, mtime, xattrs, records = [] } = found
  const kept = xattrs.filter(({ name }) => name.toString('latin1') === capability)
  losses.xattrs += xattrs.length - kept.length
  losses.records += records.length
  if (mtime.nanos !== 0) losses.subSecondTimes++
  // A symbolic link on disk has no mode of its own.
  const mode = found.type === 'symlink' ? 0o777 : found.mode
  return { mode, uid, gid, uname, gname, mtime: { seconds: mtime.seconds, nanos: 0 }, xattrs: kept }
}

/** The tar in parts. `head` goes before everything. Contents that lie in files are not read here. */
export function* flatTar(
  entries: Iterable<FlatEntry>,
  contents: Contents,
  head: Buffer = Buffer.alloc(0),
): Iterable<Part> {
  if (head.length > 0) yield head
  for (const { entry, content } of entries) {
    yield encodeEntry(entry)
    if (content === undefined || content.entry.size === 0) continue
    const length = entry.sparse ? content.entry.storedSize : content.entry.size
    const region = length === content.entry.storedSize ? contents.regionOf?.(content) : undefined
    const fill = region || length !== content.entry.storedSize ? undefined : contents.fillOf?.(content)
    if (region) yield region
    else if (fill) yield { length, fill }
    else {
      const stored = contents.stored(content)
      yield { length, stream: entry.sparse ? stored : fillHoles(stored, content.entry) }
    }
    if (length % blockSize !== 0) yield padding(length)
  }
  yield endOfArchive
}
