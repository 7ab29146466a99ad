import type { EntryType, TarEntry } from '../tar/entry.js'
import type { Toc } from './toc.js'

/** What a name stands for: an entry of a layer, or a folder that is there because something is in it. */
export interface Inode {
  readonly type: EntryType
  /** Counts from the base, 0 first. */
  readonly layer: number
  /** Position in that layer's Toc; undefined for an implied folder. */
  readonly index: number | undefined
  /** How many names it has now. */
  links: number
}

export interface TreeNode {
  /** Latin1, one character a byte; '' for the root. */
  readonly name: string
  readonly parent: TreeNode | undefined
  readonly inode: Inode
  /** Of a folder. */
  readonly children: ReadonlyMap<string, TreeNode> | undefined
}

/** A name that a layer took away from those below it. */
export interface Hidden {
  readonly node: TreeNode
  readonly path: string
  /** The layer that did it. */
  readonly by: number
  readonly how: 'deleted' | 'replaced'
}

export interface MergedTree {
  readonly root: TreeNode
  /** The node at a path, symlinked parents followed, the last component too if `follow`. Undefined if there is none. */
  lookup(path: string, options?: { follow?: boolean }): TreeNode | undefined
  /** Every node below `from` (the root), folders before their content, names in byte order. */
  walk(from?: TreeNode): Iterable<TreeNode>
  /** The entry that a node shows; undefined for an implied folder. */
  entry(node: TreeNode): TarEntry | undefined
  pathOf(node: TreeNode): string
  /** Of the layers, base first: what the inodes' positions are positions in. */
  readonly tocs: readonly Toc[]
  /** Paths that one layer has more than once, and hard links without a target. */
  readonly oddities: readonly string[]
}
