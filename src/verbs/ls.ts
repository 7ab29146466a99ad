import type { MergedTree, TreeNode } from '../layer/merged-tree.js'
import type { Toc } from '../layer/toc.js'
import { sortedChildren } from '../layer/tree-walk.js'
import { LadingError } from '../spec/errors.js'
import type { EntryType, Timestamp } from '../tar/entry.js'
import { measuringStage } from '../transports/archive/stages.js'
import type { LookOptions } from './open-image.js'
import { nodeAt, withTree } from './open-tree.js'

/** A name in the merged tree. */
export interface ListedEntry {
  /** Without a leading slash, as bytes. */
  readonly path: Buffer
  readonly type: EntryType
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: Timestamp
  /** Of a symbolic link. */
  readonly target?: Buffer
  readonly devMajor?: number
  readonly devMinor?: number
  /** Names of the same inode. */
  readonly links: number
  /** The layer that it comes from, 0 for the base. */
  readonly layer: number
}

export interface ListOptions extends LookOptions {
  /** Where to begin; the root if absent. A file lists itself. */
  readonly path?: string
  /** Also what is below the folders that are listed. */
  readonly recursive?: boolean
  /** Only this layer, 0 for the base, instead of all merged; its whiteouts show as what they are. */
  readonly layer?: number
}

/** The files of a place's tree, nothing unpacked, in byte order. Throws NOT_FOUND. */
export const ls = (options: ListOptions): Promise<readonly ListedEntry[]> =>
  withTree(
    options,
    async ({ tree, image }) => {
      const { path = '', recursive = false, layer } = options
      if (layer !== undefined)
        return listLayer(await Promise.all((image?.image.layers ?? []).map(layer => layer.toc())), layer)
      const from = nodeAt(tree, path)
      if (from.children === undefined) return [describe(tree, from)]
      const nodes = recursive ? tree.walk(from) : sortedChildren(from)
      return Array.from(nodes, node => describe(tree, node))
    },
    measuringStage,
  )

const listLayer = (tocs: readonly Toc[], layer: number): readonly ListedEntry[] => {
  const toc = tocs[layer]
  if (toc === undefined)
    throw new LadingError('NOT_FOUND', `There is no layer ${layer + 1}: there are ${tocs.length}`)
  return Array.from(toc, entry => ({
    ...entry,
    ...(entry.linkPath.length > 0 && { target: entry.linkPath }),
    links: 1,
    layer,
  }))
}

/** What `ls` tells of a node; an implied folder has docker's attributes. */
export const describe = (tree: MergedTree, node: TreeNode): ListedEntry => {
  const entry = tree.entry(node)
  const { type, links, layer } = node.inode
  const listed: ListedEntry = {
    path: Buffer.from(tree.pathOf(node), 'latin1'),
    type,
    mode: entry?.mode ?? 0o755,
    uid: entry?.uid ?? 0,
    gid: entry?.gid ?? 0,
    size: entry?.size ?? 0,
    mtime: entry?.mtime ?? { seconds: 0, nanos: 0 },
    links,
    layer,
  }
  if (entry && type === 'symlink') return { ...listed, target: entry.linkPath }
  if (entry && /device/.test(type)) return { ...listed, devMajor: entry.devMajor, devMinor: entry.devMinor }
  return listed
}
