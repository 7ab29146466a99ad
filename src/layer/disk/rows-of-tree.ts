import type { FileRange } from '../../bytes/byte-stream.js'
import { checkedRange } from '../../bytes/slice.js'
import type { Contents } from '../content.js'
import type { Inode, MergedTree, TreeNode } from '../merged-tree.js'
import { extraOf, impliedRow, type TreeRow } from './tree-row.js'

type Row = { -readonly [Key in keyof TreeRow]: TreeRow[Key] }

/**
 * A merged tree in the order in which it is made: folders before their content, names in byte order; the first
 * name of an inode has the content, the others are links to it. Out of the columns of the tables of contents, so
 * that nothing is made of an entry that has nothing special. A row is only good until the next one.
 */
export function* rowsOfTree(tree: MergedTree, contents: Contents): Iterable<TreeRow> {
  const row: Row = { ...impliedRow }
  const first = new Map<Inode, string>()
  const files = new Map<number, FileRange | undefined>()
  const fileOf = (layer: number): FileRange | undefined => {
    if (!files.has(layer)) files.set(layer, contents.layerFile?.(layer))
    return files.get(layer)
  }
  describe(tree, tree.root, row)
  yield row
  let folder: TreeNode | undefined = tree.root
  let depth = 1
  for (const node of tree.walk()) {
    for (; folder !== node.parent; depth--) folder = folder!.parent
    describe(tree, node, row)
    row.depth = depth
    if (node.inode.type === 'directory') {
      folder = node
      depth++
    } else if (node.inode.links > 1) {
      const target = first.get(node.inode)
      if (target === undefined) {
        first.set(node.inode, tree.pathOf(node))
        row.isLinked = true
      } else {
        row.type = 'hardlink'
        row.link = target
        row.storedSize = 0
      }
    }
    if (row.storedSize > 0) locate(row, tree, node, fileOf(node.inode.layer))
    yield row
  }
}

/** What the tables of contents say of a node. */
const describe = (tree: MergedTree, { name, inode: { layer, index, type } }: TreeNode, row: Row): void => {
  Object.assign(row, impliedRow)
  row.name = name
  row.type = type
  if (index === undefined) return
  const toc = tree.tocs[layer]!
  const { columns } = toc
  row.mode = columns.mode[index]!
  row.uid = columns.uid[index]!
  row.gid = columns.gid[index]!
  row.seconds = columns.seconds[index]!
  row.nanos = columns.nanos[index]!
  if (type === 'file') {
    row.size = columns.size[index]!
    row.storedSize = row.size > 0 ? columns.storedSize[index]! : 0
    row.offset = columns.dataOffset[index]!
  }
  if (type !== 'symlink' && columns.extra[index] === 0) return
  const entry = toc.entry(index)
  row.uid = entry.uid
  row.gid = entry.gid
  row.extra = extraOf(entry)
  if (type === 'symlink') row.link = entry.linkPath.toString('latin1')
}

const locate = (row: Row, tree: MergedTree, node: TreeNode, file: FileRange | undefined): void => {
  if (file === undefined) row.content = { layer: node.inode.layer, entry: tree.entry(node)! }
  else {
    checkedRange({ offset: row.offset, length: row.storedSize }, file.length)
    row.fd = file.fd
    row.offset += file.offset
  }
}

/** Bytes of content in a tree, holes and further names of a file not counted. */
export const bytesOfTree = (tree: MergedTree): number => {
  const counted = new Set<Inode>()
  let sum = 0
  for (const { inode } of tree.walk()) {
    if (inode.type !== 'file' || counted.has(inode)) continue
    if (inode.links > 1) counted.add(inode)
    sum += tree.tocs[inode.layer]!.columns.storedSize[inode.index!]!
  }
  return sum
}
