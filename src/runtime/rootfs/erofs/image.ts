/**
 * A merged tree as an EROFS image without the contents of its files: those stay where they are, in layers that
 * the image names as devices. Inodes have their places (placing.ts); behind them come the blocks of larger directories,
 * and then contents that cannot be read where they lie.
 */
import type { TreeNode } from '../../../layer/merged-tree.js'
import type { Toc } from '../../../layer/toc.js'
import { LadingError } from '../../../spec/errors.js'
import { visible } from '../../../spec/escape.js'
import type { EntryType, TarEntry } from '../../../tar/entry.js'
import type { CarriedChunks } from './content.js'
import { writeDirectory } from './directory.js'
import * as format from './format.js'
import { type ErofsInput, type PlacedInode, placeInodes } from './placing.js'

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

/** Throws UNSUPPORTED for an owner beyond 32 bits, LIMIT_EXCEEDED for names and depths that no file system takes. */
export const buildErofs = (input: ErofsInput): ErofsImage => {
  const { tree, tocs, layers, devices } = input
  const { placed, end, lostXattrs } = placeInodes(input)

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
    const own = isInline ? behind : block * format.blockSize
    if (node.inode.type === 'symlink') entry!.linkPath.copy(image, own)
    else if (node.children) writeDirectory(image, words, own, inode.names)
    if (content === undefined) continue
    const list = format.roundUp(behind, format.chunkIndexSize)
    if ('chunks' in content) {
      const { device } = layers[node.inode.layer]!
      writeChunks(words, list, content.chunks.count, content.chunks.filled, device)
    } else {
      const { bits, count, filled } = content.carried
      const behindIt = filled.map((chunk, index) => ({
        chunk,
        block: next / format.blockSize + index * 2 ** bits,
      }))
      writeChunks(words, list, count, behindIt, 0)
      const whole = tree.entry(node)!
      carried.push({ layer: node.inode.layer, entry: whole, chunks: content.carried, offset: next })
      next += filled.length * format.blockSize * 2 ** bits
    }
  }
  format.writeSuperblock(image, {
    root: placed[0]!.at / format.slotSize,
    inodes: placed.length,
    blocks: next / format.blockSize,
    devices: devices.map(length => Math.ceil(length / format.blockSize)),
  })
  return { metadata: image, carried, lostXattrs }
}

const writeBody = (words: Uint32Array, tocs: readonly Toc[], inode: PlacedInode, number: number): void => {
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

/** S_IF*. A hard link's inode is that of its target. */
const typeBits: Readonly<Record<EntryType, number>> = {
  ...{ file: 0o100000, hardlink: 0o100000, symlink: 0o120000, directory: 0o040000, fifo: 0o010000 },
  ...{ 'character-device': 0o020000, 'block-device': 0o060000 },
}
