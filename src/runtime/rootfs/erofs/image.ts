/**
 * A merged tree as an EROFS image without the contents of its files: those stay where they are, in layers that
 * the image names as devices. First every inode gets its place, in the order of the tree, with what belongs to
 * it behind it (attributes, list of chunks, target of a symbolic link); then come the directories' blocks.
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
import { type CarriedChunks, type LayerStart, type Placement, placeContent } from './content.js'
import { type DirectoryEntry, directorySize, writeDirectory } from './directory.js'
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

export interface ErofsImage {
  /** Everything but carried contents, which belong behind it. The first 1024 bytes are free. */
  readonly metadata: Buffer
  readonly carried: readonly CarriedFile[]
  /** Extended attributes that EROFS has no place for. */
  readonly lostXattrs: number
}

/** A file whose content the image holds itself. */
export interface CarriedFile {
  readonly layer: number
  readonly entry: TarEntry
  readonly chunks: CarriedChunks
  /** Where in the image the first of its filled chunks goes; the others follow. */
  readonly offset: number
}

interface Placed {
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
  /** Of a directory, and of a target that is not inline. */
  block: number
}

/** Throws UNSUPPORTED for an owner beyond 32 bits, LIMIT_EXCEEDED for names and depths that no file system takes. */
export const buildErofs = ({ tree, tocs, layers, devices }: ErofsInput): ErofsImage => {
  const placed: Placed[] = []
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
    // A target is found fastest in one block with its inode; one that does not fit gets blocks of its own.
    const isInline = inode.type === 'symlink' && size > 0 && body + size <= format.blockSize
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
  const root = place(tree.root, format.roundUp(end, format.slotSize), 0)

  // Behind the inodes: blocks of directories and of long targets, then what is carried.
  let next = format.roundUp(end, format.blockSize)
  for (const inode of placed) {
    const { type } = inode.node.inode
    if (inode.size === 0 || inode.isInline || (type !== 'directory' && type !== 'symlink')) continue
    inode.block = next / format.blockSize
    next = format.roundUp(next + inode.size, format.blockSize)
  }
  const image = Buffer.alloc(next)
  const words = new Uint32Array(image.buffer, image.byteOffset, image.length / 4)
  const carried: CarriedFile[] = []
  let number = 0
  for (const inode of placed) {
    const { node, entry, content, at, xattrs, block, isInline } = inode
    writeBody(words, tocs, inode, ++number)
    xattrs.copy(image, at + format.inodeSize)
    const behind = at + format.inodeSize + xattrs.length
    if (node.inode.type === 'symlink')
      entry!.linkPath.copy(image, isInline ? behind : block * format.blockSize)
    else if (node.children) writeDirectory(image, words, block * format.blockSize, inode.names)
    if (content === undefined) continue
    const list = format.roundUp(behind, format.chunkIndexSize)
    if ('chunks' in content) {
      const { device } = layers[node.inode.layer]!
      writeChunks(words, list, content.chunks.count, content.chunks.filled, device)
    } else {
      const { bits, count, filled } = content.carried
      const own = filled.map((chunk, index) => ({
        chunk,
        block: next / format.blockSize + index * 2 ** bits,
      }))
      writeChunks(words, list, count, own, 0)
      const whole = tree.entry(node)!
      carried.push({ layer: node.inode.layer, entry: whole, chunks: content.carried, offset: next })
      next += filled.length * format.blockSize * 2 ** bits
    }
  }
  format.writeSuperblock(image, {
    root: root / format.slotSize,
    inodes: placed.length,
    blocks: next / format.blockSize,
    devices: devices.map(length => Math.ceil(length / format.blockSize)),
  })
  return { metadata: image, carried, lostXattrs }
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

const writeBody = (words: Uint32Array, tocs: readonly Toc[], inode: Placed, number: number): void => {
  const { node, entry, at, xattrs, content, size, isInline, block } = inode
  const { type, layer, index } = node.inode
  const row = tocs[layer]!.columns
  // Of an implied folder nothing is.
  const known = index !== undefined
  if (entry && (entry.uid > 0xffff_ffff || entry.gid > 0xffff_ffff))
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot give ${JSON.stringify(visible(entry.path))} to ${entry.uid}:${entry.gid}: Linux has owners of 32 bits`,
    )
  const bits = content && ('chunks' in content ? content.chunks.bits : content.carried.bits)
  const isDevice = type === 'character-device' || type === 'block-device'
  const { chunks, inline, plain } = format.dataLayouts
  format.writeInode(words, at, {
    layout: content ? chunks : isInline ? inline : plain,
    // A symbolic link on Linux has no permissions of its own.
    mode: typeBits[type] | (type === 'symlink' ? 0o777 : known ? row.mode[index]! : 0o755),
    data: isDevice
      ? format.encodeDevice(entry?.devMajor ?? 0, entry?.devMinor ?? 0)
      : bits === undefined
        ? block
        : format.chunkFormat(bits),
    size,
    number,
    uid: known ? row.uid[index]! : 0,
    gid: known ? row.gid[index]! : 0,
    seconds: known ? row.seconds[index]! : 0,
    nanos: known ? row.nanos[index]! : 0,
    links: node.children ? 2 + subfolders(node) : node.inode.links,
    xattrs: xattrs.length,
  })
}

const subfolders = ({ children }: TreeNode): number => {
  let count = 0
  for (const child of children!.values()) if (child.children) count++
  return count
}

const writeChunks = (
  words: Uint32Array,
  at: number,
  count: number,
  filled: readonly { readonly chunk: number; readonly block: number }[],
  device: number,
): void => {
  if (filled.length < count)
    for (let chunk = 0; chunk < count; chunk++) format.writeHole(words, at + chunk * format.chunkIndexSize)
  for (const { chunk, block } of filled)
    format.writeChunkIndex(words, at + chunk * format.chunkIndexSize, device, block)
}

/** S_IF* and the kernel's FT_*. A hard link's inode is that of its target. */
const typeBits: Readonly<Record<EntryType, number>> = {
  ...{ file: 0o100000, hardlink: 0o100000, symlink: 0o120000, directory: 0o040000, fifo: 0o010000 },
  ...{ 'character-device': 0o020000, 'block-device': 0o060000 },
}
const fileTypes: Readonly<Record<EntryType, number>> = {
  ...{ file: 1, hardlink: 1, directory: 2, 'character-device': 3, 'block-device': 4, fifo: 5, symlink: 7 },
}
