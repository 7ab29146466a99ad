/**
 * What some neighbouring layers do to those below them, as one layer: the way back from two merged trees to
 * a changeset (OCI image-spec layer.md, "Creating"). Names that went are explicit whiteouts; opaque markers,
 * which readers differ on, are written only where they are asked for. Of an inode that changed or got a name,
 * every name is written, so that hard links stay whole on top of any reader.
 */
import type { TarEntry } from '../tar/entry.js'
import { attributesOf, entryWith, type FlatEntry, firstEntry } from './flat-entry.js'
import type { Inode, MergedTree, TreeNode } from './merged-tree.js'

export interface ChangesetOptions {
  /** Whether what two trees have at one path is the same thing. If absent, both merge the same layers, `lower` fewer. */
  readonly isSame?: (below: TreeNode | undefined, above: TreeNode) => boolean
  /** Paths (latin1) of folders of `upper` in which nothing of `lower` is left: they get an opaque marker. */
  readonly opaque?: ReadonlySet<string>
}

/** The entries that make `upper` of `lower`. */
export const changesetEntries = (
  lower: MergedTree,
  upper: MergedTree,
  { isSame = isSameInode, opaque = new Set() }: ChangesetOptions = {},
): readonly FlatEntry[] => {
  const { touched, isLinked, folders } = differences(lower.root, upper.root, isSame)
  const entries: FlatEntry[] = []
  const first = new Map<string, Buffer>()

  const emit = (node: TreeNode): void => {
    const path = Buffer.from(upper.pathOf(node), 'latin1')
    const found = upper.entry(node)
    const key = keyOf(node.inode)
    const target = first.get(key)
    if (target !== undefined) {
      entries.push({ entry: entryWith(attributesOf(found), path, 'hardlink', { linkPath: target }) })
      return
    }
    if (node.inode.type !== 'directory') first.set(key, path)
    entries.push(firstEntry(path, node.inode, found, attributesOf(found)))
  }

  const walk = (below: TreeNode | undefined, above: TreeNode): void => {
    const names = new Set([...(below?.children?.keys() ?? []), ...(above.children?.keys() ?? [])])
    for (const name of [...names].sort(byBytes)) {
      const node = above.children!.get(name)
      const old = below?.children?.get(name)
      if (node === undefined) {
        const folder = upper.pathOf(above)
        const path = Buffer.from(`${folder === '' ? '' : `${folder}/`}.wh.${name}`, 'latin1')
        entries.push({ entry: { path, type: 'file', mode: 0o600, size: 0 } })
        continue
      }
      if (node.inode.type === 'directory' ? !isSame(old, node) : touched.has(keyOf(node.inode))) emit(node)
      // Where nothing differs nothing is written, but for names of files that got another one elsewhere.
      if (!node.children || (old?.children && !isLinked && !folders.has(node))) continue
      const path = upper.pathOf(node)
      const hides = old?.children !== undefined && old.children.size > 0 && opaque.has(path)
      if (hides) entries.push(opaqueMarker(path, upper.entry(node)))
      walk(old?.children && !hides ? old : undefined, node)
    }
  }
  if (!isSame(lower.root, upper.root) && upper.root.inode.index !== undefined)
    entries.push({
      entry: entryWith(attributesOf(upper.entry(upper.root)), Buffer.from('./'), 'directory'),
    })
  walk(lower.root, upper.root)
  return entries
}

interface Differences {
  /** Inodes of what is not the same thing below. */
  readonly touched: ReadonlySet<string>
  /** Whether one of them has several names. */
  readonly isLinked: boolean
  /** Folders in which, at any depth, something is not the same or is there no more. */
  readonly folders: ReadonlySet<TreeNode>
}

const differences = (
  lower: TreeNode,
  upper: TreeNode,
  isSame: NonNullable<ChangesetOptions['isSame']>,
): Differences => {
  const touched = new Set<string>()
  const folders = new Set<TreeNode>()
  let isLinked = false
  const compare = (below: TreeNode | undefined, above: TreeNode): boolean => {
    let left = below?.children?.size ?? 0
    let differs = false
    for (const [name, node] of above.children ?? []) {
      const old = below?.children?.get(name)
      if (old !== undefined) left--
      if (!isSame(old, node)) {
        differs = true
        touched.add(keyOf(node.inode))
        isLinked ||= node.inode.links > 1 && node.children === undefined
      }
      if (node.children && compare(old?.children ? old : undefined, node)) differs = true
    }
    if (differs || left > 0) folders.add(above)
    return differs || left > 0
  }
  compare(lower, upper)
  return { touched, isLinked, folders }
}

/** As docker writes it: with the folder's permissions and owner. */
const opaqueMarker = (path: string, found: TarEntry | undefined): FlatEntry => ({
  entry: {
    path: Buffer.from(`${path}/.wh..wh..opq`, 'latin1'),
    ...{
      type: 'file',
      size: 0,
      mode: (found?.mode ?? 0o755) & 0o777,
      uid: found?.uid ?? 0,
      gid: found?.gid ?? 0,
    },
  },
})

/** An implied folder is the same as any other that nothing is known of. */
const isSameInode = (a: TreeNode | undefined, b: TreeNode): boolean =>
  a !== undefined &&
  a.inode.index === b.inode.index &&
  (a.inode.index === undefined ? a.inode.type === b.inode.type : a.inode.layer === b.inode.layer)

const keyOf = ({ layer, index }: Inode): string => `${layer} ${index}`

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
