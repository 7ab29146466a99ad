import type { MergedTree, TreeNode } from '../../layer/merged-tree.js'
import type { TarEntry } from '../../tar/entry.js'
import type { ContainerFiles } from './container-files.js'
import { xattrsText } from './upper-layer.js'

/** As `docker diff` says it: added, changed, deleted. */
export type ChangeKind = 'A' | 'C' | 'D'

export interface Change {
  readonly kind: ChangeKind
  /** Without a slash at the beginning. */
  readonly path: Buffer
}

/**
 * What a container has done to the files of its image, by docker's rules: of a new folder everything in it is told,
 * of a deleted one itself alone; a folder is changed when its mode, owner or capability is, or something in it;
 * a file also when its time or length is. Parents first, names in byte order.
 */
export const changesOf = ({ before, after }: Pick<ContainerFiles, 'before' | 'after'>): readonly Change[] => {
  const compareFolders = (old: TreeNode, now: TreeNode): Change[] => {
    const changes: Change[] = []
    const names = new Set([...old.children!.keys(), ...now.children!.keys()])
    for (const name of [...names].sort()) {
      const [was, is] = [old.children!.get(name), now.children!.get(name)]
      if (was === undefined) changes.push(...added(after, is!))
      else if (is === undefined) changes.push({ kind: 'D', path: pathOf(before, was) })
      else if (!isSameNode(was, is)) changes.push(...compareNodes(was, is))
    }
    return changes
  }
  const compareNodes = (was: TreeNode, is: TreeNode): Change[] => {
    const path = pathOf(after, is)
    const bothFolders = was.children !== undefined && is.children !== undefined
    const below = bothFolders ? compareFolders(was, is) : is.children ? added(after, is).slice(1) : []
    const isChanged =
      was.inode.type !== is.inode.type || differs(is, before.entry(was), after.entry(is)) || below.length > 0
    return isChanged ? [{ kind: 'C', path }, ...below] : []
  }
  return compareFolders(before.root, after.root)
}

const added = (tree: MergedTree, node: TreeNode): Change[] => [
  { kind: 'A', path: pathOf(tree, node) },
  ...Array.from(tree.walk(node), child => ({ kind: 'A' as const, path: pathOf(tree, child) })),
]

const pathOf = (tree: MergedTree, node: TreeNode): Buffer => Buffer.from(tree.pathOf(node), 'latin1')

/** Of a layer of the image still: nothing in it has changed either. */
const isSameNode = (was: TreeNode, is: TreeNode): boolean =>
  was.inode.layer === is.inode.layer &&
  was.inode.index === is.inode.index &&
  was.inode.index !== undefined &&
  is.children === undefined

const differs = (
  { inode: { type } }: TreeNode,
  was: TarEntry | undefined,
  is: TarEntry | undefined,
): boolean => {
  const [x, y] = [was ?? implied, is ?? implied]
  if ((x.mode !== y.mode && type !== 'symlink') || x.uid !== y.uid || x.gid !== y.gid) return true
  if (x.devMajor !== y.devMajor || x.devMinor !== y.devMinor) return true
  if (capability(x) !== capability(y)) return true
  if (type === 'directory' || !was || !is) return false
  return x.size !== y.size || !was.linkPath.equals(is.linkPath) || !isSameTime(was.mtime, is.mtime)
}

/** Where one side has whole seconds only, as in most layers, those are all that is compared. */
const isSameTime = (a: TarEntry['mtime'], b: TarEntry['mtime']): boolean =>
  a.seconds === b.seconds && (a.nanos === b.nanos || a.nanos === 0 || b.nanos === 0)

const capability = ({ xattrs }: Pick<TarEntry, 'xattrs'>): string =>
  xattrsText(xattrs.filter(({ name }) => name.toString('latin1') === 'security.capability'))

const implied = { mode: 0o755, uid: 0, gid: 0, devMajor: 0, devMinor: 0, size: 0, xattrs: [] }
