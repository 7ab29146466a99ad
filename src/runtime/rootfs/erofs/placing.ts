/**
 * Where every inode of an image goes: in the order of the tree, with what belongs to it behind it (attributes, list
 * of chunks, target of a symbolic link, few names).
 *
 * Left out, as overlayfs above would take them for its own: its attributes (trusted.overlay.*, user.overlay.*)
 * and devices 0:0, its whiteouts. An image must not steer it.
 */
import type { Inode, MergedTree, TreeNode } from '../../../layer/merged-tree.js'
import type { Toc } from '../../../layer/toc.js'
import { LadingError } from '../../../spec/errors.js'
import { visible } from '../../../spec/escape.js'
import { limits } from '../../../spec/limits.js'
import type { EntryType, TarEntry } from '../../../tar/entry.js'
import { inodeXattrs, isWhiteoutDevice } from '../overlay-marks.js'
import { type LayerStart, type Placement, placeContent } from './content.js'
import { type DirectoryEntry, directorySize } from './directory.js'
import * as format from './format.js'
import { encodeXattrs } from './xattrs.js'

export interface ErofsInput {
  readonly tree: MergedTree
  /** What the tree was merged of. */
  readonly tocs: readonly Toc[]
  /** Where each of them lies; undefined for one whose files are empty or to be carried. */
  readonly layers: readonly (LayerStart | undefined)[]
  /** Length of each device in bytes. */
  readonly devices: readonly number[]
}

export interface PlacedInode {
  readonly node: TreeNode
  /** What few inodes have: attributes, holes, a target, a device. */
  readonly entry: TarEntry | undefined
  readonly at: number
  readonly xattrs: Buffer
  readonly content: Placement | undefined
  /** Of a directory: all names in byte order. */
  readonly names: DirectoryEntry[]
  readonly size: number
  readonly isInline: boolean
  /** Of a directory or a target that is not inline. */
  block: number
}

/** The root first. Throws LIMIT_EXCEEDED for names and depths that no file system takes. */
export const placeInodes = ({
  tree,
  tocs,
  layers,
  devices,
}: ErofsInput): { placed: PlacedInode[]; end: number; lostXattrs: number } => {
  const placed: PlacedInode[] = []
  /** Of inodes with several names. */
  const shared = new Map<Inode, number>()
  let end = format.firstInode(devices.length)
  let lostXattrs = 0

  /** Where the inode of a node is, which gets its place now if it has none yet. */
  const place = (node: TreeNode, parent: number, depth: number): number => {
    const { inode, children } = node
    const known = inode.links > 1 ? shared.get(inode) : undefined
    if (known !== undefined) return known
    if (depth > limits.pathDepth)
      throw new LadingError('LIMIT_EXCEEDED', `Folders are more than ${limits.pathDepth} deep in one another`)
    const entry = rareEntry(tocs, inode)
    const { bytes: xattrs, lost } = entry ? encodeXattrs(inodeXattrs(entry)) : none
    lostXattrs += lost
    const sorted = children ? namesOf(node, tocs) : []
    const size = children ? directorySize(sorted) : sizeOf(tocs, inode, entry)
    const content = inode.type === 'file' && size > 0 ? contentOf(tocs, inode, entry, layers) : undefined
    const body = format.inodeSize + xattrs.length
    let at = format.roundUp(end, format.slotSize)
    // A target, or the few names of most folders, in one block with the inode: found fastest, and the image is half as
    // long, all of which is read to check it. What does not fit gets blocks of its own.
    const mayBeInline = children !== undefined || inode.type === 'symlink'
    const isInline = mayBeInline && size > 0 && body + size <= format.blockSize
    while (isInline && (at % format.blockSize) + body + size > format.blockSize) at += format.slotSize
    if (inode.links > 1 && !children) shared.set(inode, at)
    const names: DirectoryEntry[] = []
    placed.push({ node, entry, at, xattrs, content, names, size, isInline, block: 0 })
    end = at + body
    if (content !== undefined) end = format.roundUp(end, format.chunkIndexSize) + chunkListSize(content)
    else if (isInline) end += size
    for (const name of sorted) {
      const child = children!.get(name)
      const target = child ? place(child, at, depth + 1) : name === '.' ? at : parent
      const type = child ? fileTypes[child.inode.type] : fileTypes.directory
      names.push({ name, nid: target / format.slotSize, type })
    }
    return at
  }
  place(tree.root, format.roundUp(end, format.slotSize), 0)
  return { placed, end, lostXattrs }
}

const none = { bytes: Buffer.alloc(0), lost: 0 }

/** Making an entry of its columns takes longer than all else that an ordinary file needs. */
const rareEntry = (tocs: readonly Toc[], { type, layer, index }: Inode): TarEntry | undefined =>
  index !== undefined && (type === 'symlink' || tocs[layer]!.columns.extra[index] !== 0)
    ? tocs[layer]!.entry(index)
    : undefined

const sizeOf = (tocs: readonly Toc[], { type, layer, index }: Inode, entry: TarEntry | undefined): number =>
  type === 'file' ? tocs[layer]!.columns.size[index!]! : type === 'symlink' ? entry!.linkPath.length : 0

const contentOf = (
  tocs: readonly Toc[],
  { layer, index }: Inode,
  entry: TarEntry | undefined,
  layers: ErofsInput['layers'],
): Placement => {
  const { size, dataOffset, storedSize } = tocs[layer]!.columns
  const found = entry ?? {
    size: size[index!]!,
    dataOffset: dataOffset[index!]!,
    storedSize: storedSize[index!]!,
  }
  return placeContent(found, layers[layer])
}

const chunkListSize = (content: Placement): number =>
  format.chunkIndexSize * ('chunks' in content ? content.chunks.count : content.carried.count)

const namesOf = (node: TreeNode, tocs: readonly Toc[]): readonly string[] => {
  const names = ['.', '..']
  for (const { name, inode } of node.children!.values()) {
    // An entry's own names have been looked at; where it led through a symbolic link, those of the target have not.
    if (name.length > limits.pathComponent || name.includes('\0'))
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `No file can be called ${JSON.stringify(visible(Buffer.from(name.slice(0, 100), 'latin1')))}: a name has at most ${limits.pathComponent} bytes, and no NUL`,
      )
    if (inode.type !== 'character-device' || !isWhiteoutDevice(tocs[inode.layer]!.entry(inode.index!)))
      names.push(name)
  }
  return names.sort()
}

/** The kernel's FT_*. */
const fileTypes: Readonly<Record<EntryType, number>> = {
  ...{ file: 1, hardlink: 1, directory: 2, 'character-device': 3, 'block-device': 4, fifo: 5, symlink: 7 },
}
