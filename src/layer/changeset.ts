/**
 * What some neighbouring layers do to those below them, as one layer: the way back from two merged trees to
 * a changeset (OCI image-spec layer.md, "Creating"). Names that went are explicit whiteouts, never opaque
 * markers, which readers differ on. Of an inode that changed or got a name, every name is written, so that
 * hard links stay whole on top of any reader.
 */
import { attributesOf, entryWith, type FlatEntry, firstEntry } from './flat-entry.js'
import type { Inode, MergedTree, TreeNode } from './merged-tree.js'

/** The entries that make `upper` of `lower`. Both merge the same layers, `lower` fewer of them. */
export const changesetEntries = (lower: MergedTree, upper: MergedTree): readonly FlatEntry[] => {
  const touched = new Set<string>()
  compare(lower.root, upper.root, node => touched.add(keyOf(node.inode)))
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
      if (node.children) walk(old?.children ? old : undefined, node)
    }
  }
  if (!isSame(lower.root, upper.root) && upper.root.inode.index !== undefined)
    entries.push({
      entry: entryWith(attributesOf(upper.entry(upper.root)), Buffer.from('./'), 'directory'),
    })
  walk(lower.root, upper.root)
  return entries
}

/** Every name in `above` that is not the same thing in `below`. */
const compare = (below: TreeNode | undefined, above: TreeNode, onChange: (node: TreeNode) => void): void => {
  for (const [name, node] of above.children ?? []) {
    const old = below?.children?.get(name)
    if (!isSame(old, node)) onChange(node)
    if (node.children) compare(old?.children ? old : undefined, node, onChange)
  }
}

/** An implied folder is the same as any other that nothing is known of. */
const isSame = (a: TreeNode | undefined, b: TreeNode): boolean =>
  a !== undefined &&
  a.inode.index === b.inode.index &&
  (a.inode.index === undefined ? a.inode.type === b.inode.type : a.inode.layer === b.inode.layer)

const keyOf = ({ layer, index }: Inode): string => `${layer} ${index}`

const byBytes = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
