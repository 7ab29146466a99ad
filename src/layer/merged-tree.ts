/**
 * The file tree that layers make together: OCI image-spec layer.md, "Applying Changesets", on tables of
 * contents, without touching a byte of content.
 *
 * Each layer is applied in two passes. First its whiteouts, to the tree of the layers below: so they hide
 * lower layers only, wherever in their tar they stand, and what the same layer puts there stays. (Docker's
 * overlay2 unpacks layer by layer and differs: `.wh.d` with a new `d/` lets the lower `d` shine through, an
 * opaque root hides nothing; containerd and moby's generic unpacking delete what the same layer wrote before.)
 * Then its entries, in order; the last of two with one path wins.
 *
 * A path is walked inside the root, as umoci does on a mounted tree: a symlinked parent is followed, `..` stops
 * at the root, forty links are the limit. (On overlay2, and containerd's overlayfs, a directory comes to cover
 * the symlink.) The last component is never followed: an entry replaces a symlink. Parents that no layer has are
 * made (0755, owner 0), a parent that is a file gives way. test/flatten has a case of each, and what others do.
 *
 * Hard links are what they are on disk, names of one inode: deleting or replacing one leaves the others. A
 * link may name a file of a lower layer (image-spec issue 1204; docker refuses that) or one that comes later,
 * or, in layers that AUFS wrote, a file in `.wh..wh.plnk/`, which is in the tree by the names of its links only.
 */

import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { limits } from '../spec/limits.js'
import type { EntryType, TarEntry } from '../tar/entry.js'
import { normalizePath } from '../tar/names.js'
import type { Toc } from './toc.js'
import { isPseudoLink, whiteoutOf } from './whiteout.js'

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
  /** Paths that one layer has more than once, and hard links without a target. */
  readonly oddities: readonly string[]
}

interface Node extends TreeNode {
  readonly parent: Node | undefined
  inode: Inode
  children: Map<string, Node> | undefined
}

/** `tocs` base first. `onHidden` hears of every file that an upper layer takes from a lower one, folders by their content. */
export const mergeTocs = (tocs: readonly Toc[], onHidden?: (hidden: Hidden) => void): MergedTree => {
  const merge = new Merge(onHidden)
  for (const toc of tocs) merge.add(toc)
  return merge
}

/** Change a tree of mergeTocs by one more layer on top: for one that is made in view of it. */
export const addLayer = (tree: MergedTree, toc: Toc): void => (tree as Merge).add(toc)

/** The tree of one table of contents as it stands, where names that begin with .wh. are names like others. */
export const treeOf = (toc: Toc): MergedTree => {
  const merge = new Merge(undefined)
  merge.add(toc, () => undefined)
  return merge
}

class Merge implements MergedTree {
  readonly root: Node = { name: '', parent: undefined, inode: impliedFolder(0), children: new Map() }
  readonly oddities: string[] = []
  readonly #tocs: Toc[] = []
  readonly #onHidden: ((hidden: Hidden) => void) | undefined
  /** Of the layer that is being applied: what its hard links may name though it has no place in the tree. */
  #pseudoLinks = new Map<string, Inode>()

  constructor(onHidden: ((hidden: Hidden) => void) | undefined) {
    this.#onHidden = onHidden
  }

  add(toc: Toc, whiteout = whiteoutOf): void {
    const layer = this.#tocs.push(toc) - 1
    const entries: { path: string; index: number }[] = []
    this.#pseudoLinks = new Map()
    for (let index = 0; index < toc.length; index++) {
      const path = normalizePath(toc.path(index)).toString('latin1')
      const found = whiteout(path)
      if (found === undefined) entries.push({ path, index })
      else if (found.kind === 'whiteout') this.#hide(this.lookup(found.target), layer)
      else if (found.kind === 'opaque') {
        const folder = this.lookup(found.folder, { follow: true })
        for (const child of [...(folder?.children?.values() ?? [])]) this.#hide(child, layer)
      } else if (isPseudoLink(path) && toc.entry(index).type === 'file')
        this.#pseudoLinks.set(path, { type: 'file', layer, index, links: 0 })
    }
    let early = entries.filter(({ path, index }) => !this.#put(path, layer, index))
    // Links whose target comes later, or is such a link itself.
    for (let before = Number.POSITIVE_INFINITY; early.length > 0 && early.length < before; ) {
      before = early.length
      early = early.filter(({ path, index }) => !this.#put(path, layer, index))
    }
    for (const { path, index } of early)
      this.oddities.push(
        `${visible(Buffer.from(path, 'latin1'))} is a hard link to ${JSON.stringify(visible(toc.entry(index).linkPath))}, which is not there`,
      )
  }

  lookup(path: string, { follow = false } = {}): Node | undefined {
    return this.#walkTo(path, follow, undefined)
  }

  *walk(from: TreeNode = this.root): Iterable<TreeNode> {
    for (const name of [...(from.children?.keys() ?? [])].sort()) {
      const child = from.children!.get(name)!
      yield child
      if (child.children) yield* this.walk(child)
    }
  }

  entry(node: TreeNode): TarEntry | undefined {
    const { layer, index } = node.inode
    return index === undefined ? undefined : this.#tocs[layer]!.entry(index)
  }

  pathOf(node: TreeNode): string {
    const names: string[] = []
    for (let at: TreeNode | undefined = node; at?.parent; at = at.parent) names.unshift(at.name)
    return names.join('/')
  }

  /** Put an entry where it belongs; false for a hard link whose target is not there yet. */
  #put(path: string, layer: number, index: number): boolean {
    const entry = this.#tocs[layer]!.entry(index)
    if (path === '') {
      if (entry.type !== 'directory')
        throw new LadingError(
          'BAD_TAR',
          `Bad entry for the root in layer ${layer + 1}: it is a ${entry.type}, only a directory can be the root`,
        )
      this.root.inode = { type: 'directory', layer, index, links: 1 }
      return true
    }
    let inode: Inode = { type: entry.type, layer, index, links: 0 }
    if (entry.type === 'hardlink') {
      const linked = normalizePath(entry.linkPath).toString('latin1')
      const target = this.lookup(linked)?.inode ?? this.#pseudoLinks.get(linked)
      if (target === undefined || target.type === 'directory') return false
      inode = target
    }
    const slash = path.lastIndexOf('/')
    const parent = this.#walkTo(path.slice(0, Math.max(slash, 0)), true, layer)!
    const name = path.slice(slash + 1)
    const existing = parent.children!.get(name)
    if (existing?.inode === inode) return true
    if (existing !== undefined && existing.inode.layer === layer && existing.inode.index !== undefined)
      this.oddities.push(
        `${visible(Buffer.from(path, 'latin1'))} stands more than once in layer ${layer + 1}; the last is taken`,
      )
    if (existing?.children !== undefined && inode.type === 'directory') {
      existing.inode = { ...inode, links: 1 }
      return true
    }
    if (existing !== undefined) this.#remove(existing, layer, 'replaced')
    inode.links++
    parent.children!.set(name, {
      name,
      parent,
      inode,
      children: inode.type === 'directory' ? new Map() : undefined,
    })
    return true
  }

  #hide(node: Node | undefined, layer: number): void {
    if (node?.parent !== undefined) this.#remove(node, layer, 'deleted')
  }

  #remove(node: Node, by: number, how: Hidden['how']): void {
    for (const child of node.children?.values() ?? []) this.#remove(child, by, how)
    node.inode.links--
    if (node.inode.layer < by) this.#onHidden?.({ node, path: this.pathOf(node), by, how })
    node.parent!.children!.delete(node.name)
  }

  /**
   * The node at `path`. With a `layer`, folders that are missing on the way are made for it, and what is no
   * folder is replaced by one.
   */
  #walkTo(path: string, follow: boolean, layer: number | undefined): Node | undefined {
    let at = this.root
    const parts = path.split('/').reverse()
    for (let links = 0; parts.length > 0; ) {
      const part = parts.pop()!
      if (part === '' || part === '.') continue
      if (part === '..') {
        at = at.parent ?? at
        continue
      }
      const next = at.children?.get(part)
      const last = parts.length === 0
      if (next?.inode.type === 'symlink' && (!last || follow)) {
        if (++links > limits.symlinksFollowed)
          throw new LadingError(
            'BAD_TAR',
            `Cannot follow ${JSON.stringify(visible(Buffer.from(path, 'latin1')))}: more than ${limits.symlinksFollowed} symbolic links`,
          )
        const target = this.entry(next)!.linkPath.toString('latin1')
        if (target.startsWith('/')) at = this.root
        parts.push(...target.split('/').reverse())
        continue
      }
      if (layer !== undefined && next?.children === undefined) {
        if (next !== undefined) this.#remove(next, layer, 'replaced')
        const made: Node = { name: part, parent: at, inode: impliedFolder(layer), children: new Map() }
        at.children!.set(part, made)
        at = made
      } else if (next === undefined) return undefined
      else at = next
    }
    return at
  }
}

const impliedFolder = (layer: number): Inode => ({ type: 'directory', layer, index: undefined, links: 1 })
