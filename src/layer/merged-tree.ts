/**
 * The file tree that layers make together: OCI image-spec layer.md, "Applying Changesets", on tables of contents.
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
import type { TarEntry } from '../tar/entry.js'
import { normalizePath } from '../tar/names.js'
import { normalPath, PathTrail } from './path-trail.js'
import { entryTypes, type Toc } from './toc.js'
import type { Hidden, Inode, MergedTree, TreeNode } from './tree-node.js'
import { pathsOfNodes, walkTree } from './tree-walk.js'
import { isPseudoLink, whiteoutOf } from './whiteout.js'

export type { Hidden, Inode, MergedTree, TreeNode } from './tree-node.js'

interface Node extends TreeNode {
  readonly parent: Node | undefined
  inode: Inode
  children: Map<string, Node> | undefined
}

/** `tocs` base first. `onHidden` hears of every file that an upper layer takes from a lower one, folders by their content. */
export const mergeTocs = (tocs: readonly Toc[], onHidden?: (hidden: Hidden) => void): MergedTree => {
  const merge = new Merge(tocs, onHidden)
  for (const layer of tocs.keys()) merge.apply(layer, true)
  return merge
}

/** The tree of one table of contents as it stands, where names that begin with .wh. are names like others. */
export const treeOf = (toc: Toc): MergedTree => {
  const merge = new Merge([toc], undefined)
  merge.apply(0, false)
  return merge
}

/** Put one more layer on top of a tree of mergeTocs, which is changed: for a layer that is made in view of it. */
export const addLayer = (tree: MergedTree, toc: Toc): void => {
  if (!(tree instanceof Merge)) throw new TypeError('No tree of mergeTocs')
  tree.add(toc)
}

class Merge implements MergedTree {
  readonly root: Node = { name: '', parent: undefined, inode: impliedFolder(0), children: new Map() }
  readonly oddities: string[] = []
  readonly walk = (from: TreeNode = this.root): Iterable<TreeNode> => walkTree(from)
  readonly pathOf = pathsOfNodes()
  readonly tocs: Toc[]
  readonly #onHidden: ((hidden: Hidden) => void) | undefined
  /** Of the layer that is being applied: what its hard links may name though it has no place in the tree. */
  readonly #pseudoLinks = new Map<string, Inode>()
  /** Its paths, and the folders on the way to the last of them: a tar goes from neighbour to neighbour. */
  readonly #trail = new PathTrail<Node>()

  constructor(tocs: readonly Toc[], onHidden: ((hidden: Hidden) => void) | undefined) {
    this.tocs = [...tocs]
    this.#onHidden = onHidden
  }

  add(toc: Toc): void {
    this.apply(this.tocs.push(toc) - 1, true)
  }

  apply(layer: number, whiteouts: boolean): void {
    const toc = this.tocs[layer]!
    this.#pseudoLinks.clear()
    this.#trail.open(toc)
    const passed = whiteouts ? this.#applyWhiteouts(layer) : undefined
    this.#trail.forget()
    let early: number[] = []
    for (let index = 0; index < toc.length; index++)
      if (passed?.has(index) !== true && !this.#put(layer, index)) early.push(index)
    // Links whose target comes later, or is such a link itself.
    for (let before = Number.POSITIVE_INFINITY; early.length > 0 && early.length < before; ) {
      before = early.length
      early = early.filter(index => !this.#put(layer, index))
    }
    for (const index of early)
      this.oddities.push(
        `${visible(normalizePath(toc.path(index)))} is a hard link to ${JSON.stringify(visible(toc.entry(index).linkPath))}, which is not there`,
      )
  }

  /** The first pass; gives what is no entry of the tree. */
  #applyWhiteouts(layer: number): ReadonlySet<number> {
    const toc = this.tocs[layer]!
    const passed = new Set<number>()
    for (const index of this.#trail.indexesWith('.wh.')) {
      const path = normalPath(toc, index)
      const found = whiteoutOf(path)
      if (found === undefined) continue
      passed.add(index)
      if (found.kind === 'whiteout') {
        const hidden = this.lookup(found.target)
        if (hidden?.parent !== undefined) this.#remove(hidden, layer, 'deleted')
      } else if (found.kind === 'opaque') {
        const folder = this.lookup(found.folder, { follow: true })
        for (const child of folder?.children?.values() ?? []) this.#remove(child, layer, 'deleted')
      } else if (isPseudoLink(path) && toc.entry(index).type === 'file')
        this.#pseudoLinks.set(path, { type: 'file', layer, index, links: 0 })
    }
    return passed
  }

  lookup(path: string, { follow = false } = {}): Node | undefined {
    return this.#walkTo(path, follow, undefined)
  }

  entry(node: TreeNode): TarEntry | undefined {
    const { layer, index } = node.inode
    return index === undefined ? undefined : this.tocs[layer]!.entry(index)
  }

  /** Put an entry where it belongs; false for a hard link whose target is not there yet. */
  #put(layer: number, index: number): boolean {
    const toc = this.tocs[layer]!
    const type = entryTypes[toc.columns.type[index]!]!
    // Of a path that is not as it should be, all is found out from the text.
    const path = this.#trail.seek(index) ? undefined : normalPath(toc, index)
    if (path === '') {
      if (type !== 'directory')
        throw new LadingError(
          'BAD_TAR',
          `Bad entry for the root in layer ${layer + 1}: it is a ${type}, only a directory can be the root`,
        )
      this.root.inode = { type: 'directory', layer, index, links: 1 }
      return true
    }
    let inode: Inode = { type, layer, index, links: 0 }
    if (type === 'hardlink') {
      const linked = normalizePath(toc.link(index)).toString('latin1')
      const target = this.lookup(linked)?.inode ?? this.#pseudoLinks.get(linked)
      if (target === undefined || target.type === 'directory') return false
      inode = target
    }
    const slash = path?.lastIndexOf('/') ?? 0
    const parent =
      path === undefined
        ? this.#folderOfTrail(layer)
        : this.#walkTo(path.slice(0, Math.max(slash, 0)), true, layer)!
    const name = path === undefined ? this.#trail.name() : path.slice(slash + 1)
    const existing = parent.children!.get(name)
    if (existing !== undefined) {
      if (existing.inode === inode) return true
      if (existing.inode.layer === layer && existing.inode.index !== undefined)
        this.oddities.push(
          `${visible(normalizePath(toc.path(index)))} stands more than once in layer ${layer + 1}; the last is taken`,
        )
      if (existing.children !== undefined && inode.type === 'directory') {
        existing.inode = { type, layer, index, links: 1 }
        return true
      }
      this.#remove(existing, layer, 'replaced')
    }
    inode.links++
    parent.children!.set(name, {
      name,
      parent,
      inode,
      children: inode.type === 'directory' ? new Map() : undefined,
    })
    return true
  }

  /** The folder of the path that the trail is at, made if it is missing. */
  #folderOfTrail(layer: number): Node {
    const trail = this.#trail
    let at = trail.known() ?? this.root
    for (;;) {
      const part = trail.next()
      if (part === undefined) return at
      const child = at.children!.get(part)
      // Through links, and where something has to give way, step by step from the root.
      if (child !== undefined && child.children === undefined) break
      at = child ?? this.#makeFolder(at, part, layer)
      trail.passed(at)
    }
    const folder = this.#walkTo(trail.folder(), true, layer)!
    trail.arrived(folder)
    return folder
  }

  #makeFolder(parent: Node, name: string, layer: number): Node {
    const made: Node = { name, parent, inode: impliedFolder(layer), children: new Map() }
    parent.children!.set(name, made)
    return made
  }

  #remove(node: Node, by: number, how: Hidden['how']): void {
    // The trail may lead through it.
    if (node.children !== undefined || node.inode.type === 'symlink') this.#trail.forget()
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
        const target = this.tocs[next.inode.layer]!.link(next.inode.index!).toString('latin1')
        if (target.startsWith('/')) at = this.root
        parts.push(...target.split('/').reverse())
        continue
      }
      if (layer !== undefined && next?.children === undefined) {
        if (next !== undefined) this.#remove(next, layer, 'replaced')
        at = this.#makeFolder(at, part, layer)
      } else if (next === undefined) return undefined
      else at = next
    }
    return at
  }
}

const impliedFolder = (layer: number): Inode => ({ type: 'directory', layer, index: undefined, links: 1 })
