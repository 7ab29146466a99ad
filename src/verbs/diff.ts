import { createHasher } from '../bytes/hasher.js'
import { wholeContent } from '../layer/content.js'
import type { TreeNode } from '../layer/merged-tree.js'
import { type ImageConfig, parseConfig } from '../spec/config.js'
import type { Digest } from '../spec/digest.js'
import type { JsonObject } from '../spec/json.js'
import type { TarEntry } from '../tar/entry.js'
import type { LookOptions } from './open-image.js'
import { type OpenTree, withTree } from './open-tree.js'

export interface DiffOptions extends Omit<LookOptions, 'place'> {
  readonly from: string
  readonly to: string
}

/** What of a file is not the same. */
export type FileAspect =
  | 'type'
  | 'content'
  | 'size'
  | 'mode'
  | 'owner'
  | 'mtime'
  | 'link'
  | 'xattrs'
  | 'device'
  | 'hard-links'

export interface FileDifference {
  readonly path: Buffer
  readonly change: 'added' | 'deleted' | 'changed'
  /** Of a changed one. */
  readonly aspects: readonly FileAspect[]
}

export interface Difference {
  /** In byte order. */
  readonly files: readonly FileDifference[]
  /** Fields of the config that differ: `Env`, `architecture` … */
  readonly config: readonly string[]
  readonly layers: { readonly common: number; readonly from: number; readonly to: number }
  readonly historySame: boolean
  readonly same: boolean
}

/**
 * Two places of any kind: the files of their trees, and of two images also their configs, layers and history.
 * Contents are read only where all else agrees and they do not come from one layer.
 */
export const diff = ({ from, to, ...rest }: DiffOptions): Promise<Difference> =>
  withTree({ place: from, ...rest }, a => withTree({ place: to, ...rest }, b => compare(a, b)))

const compare = async (a: OpenTree, b: OpenTree): Promise<Difference> => {
  const files: FileDifference[] = []
  await compareFolders(a, a.tree.root, b, b.tree.root, files)
  const images = compareImages(a, b)
  return { files, ...images, same: files.length === 0 && images.same }
}

/** A snapshot has no layers; of what it carries only the config can be compared. */
const compareImages = (a: OpenTree, b: OpenTree): Omit<Difference, 'files'> => {
  const [before, after] = [configOf(a), configOf(b)]
  const config = before && after ? configDifferences(before.fields, after.fields) : []
  if (!a.image || !b.image || !before || !after)
    return { config, layers: { common: 0, from: 0, to: 0 }, historySame: true, same: config.length === 0 }
  const [ours, theirs] = [before.diffIds, after.diffIds]
  let common = 0
  while (common < ours.length && ours[common] === theirs[common]) common++
  const historySame = JSON.stringify(before.history) === JSON.stringify(after.history)
  const sameLayers = common === ours.length && common === theirs.length
  return {
    ...{ config, historySame, layers: { common, from: ours.length, to: theirs.length } },
    same: config.length === 0 && sameLayers && historySame,
  }
}

const configOf = ({ image, snapshot }: OpenTree): ImageConfig | undefined =>
  image?.image.config ??
  (snapshot?.carried && parseConfig(snapshot.carried.config, 'the config that the snapshot carries'))

const compareFolders = async (
  a: OpenTree,
  folderA: TreeNode,
  b: OpenTree,
  folderB: TreeNode,
  files: FileDifference[],
): Promise<void> => {
  const names = new Set([...(folderA.children?.keys() ?? []), ...(folderB.children?.keys() ?? [])])
  for (const name of [...names].sort((x, y) => (x < y ? -1 : 1))) {
    const [old, now] = [folderA.children?.get(name), folderB.children?.get(name)]
    if (old === undefined || now === undefined) {
      const [side, node] = old ? [a, old] : [b, now!]
      const change = old ? 'deleted' : 'added'
      files.push({ path: pathOf(side, node), change, aspects: [] })
      for (const below of side.tree.walk(node)) files.push({ path: pathOf(side, below), change, aspects: [] })
      continue
    }
    const aspects = await aspectsOf(a, old, b, now)
    if (aspects.length > 0) files.push({ path: pathOf(b, now), change: 'changed', aspects })
    if (old.children || now.children) await compareFolders(a, old, b, now, files)
  }
}

const pathOf = (side: OpenTree, node: TreeNode): Buffer => Buffer.from(side.tree.pathOf(node), 'latin1')

const implied = { mode: 0o755, uid: 0, gid: 0, xattrs: [], size: 0 }

const aspectsOf = async (
  a: OpenTree,
  nodeA: TreeNode,
  b: OpenTree,
  nodeB: TreeNode,
): Promise<FileAspect[]> => {
  if (nodeA.inode.type !== nodeB.inode.type) return ['type']
  const [x, y] = [a.tree.entry(nodeA), b.tree.entry(nodeB)]
  const [m, n] = [x ?? implied, y ?? implied]
  const aspects: FileAspect[] = []
  if (m.size !== n.size) aspects.push('size')
  else if (x && y && nodeA.inode.type === 'file' && !(await isSameContent(a, nodeA, x, b, nodeB, y)))
    aspects.push('content')
  // A symbolic link on disk has no mode of its own.
  if (m.mode !== n.mode && nodeA.inode.type !== 'symlink') aspects.push('mode')
  if (m.uid !== n.uid || m.gid !== n.gid) aspects.push('owner')
  // Nothing is known of the time of a folder that is only implied.
  if (x && y && (x.mtime.seconds !== y.mtime.seconds || x.mtime.nanos !== y.mtime.nanos))
    aspects.push('mtime')
  if (x && y && !x.linkPath.equals(y.linkPath) && nodeA.inode.type === 'symlink') aspects.push('link')
  if (attributesText(m.xattrs) !== attributesText(n.xattrs)) aspects.push('xattrs')
  if (x && y && (x.devMajor !== y.devMajor || x.devMinor !== y.devMinor)) aspects.push('device')
  if (nodeA.inode.type !== 'directory' && nodeA.inode.links !== nodeB.inode.links) aspects.push('hard-links')
  return aspects
}

const attributesText = (xattrs: TarEntry['xattrs']): string =>
  xattrs
    .map(({ name, value }) => `${name.toString('hex')}=${value.toString('hex')}`)
    .sort()
    .join()

const isSameContent = async (
  a: OpenTree,
  nodeA: TreeNode,
  x: TarEntry,
  b: OpenTree,
  nodeB: TreeNode,
  y: TarEntry,
): Promise<boolean> => {
  if (x.size === 0) return true
  const [layerA, layerB] = [
    a.image?.image.layers[nodeA.inode.layer],
    b.image?.image.layers[nodeB.inode.layer],
  ]
  if (layerA && layerA.diffId === layerB?.diffId && x.dataOffset === y.dataOffset) return true
  const hash = async ({ contents }: OpenTree, layer: number, entry: TarEntry): Promise<Digest> => {
    const hasher = createHasher()
    for await (const chunk of wholeContent(contents, { layer, entry })) hasher.update(chunk)
    return hasher.digest()
  }
  return (await hash(a, nodeA.inode.layer, x)) === (await hash(b, nodeB.inode.layer, y))
}

/** Names of fields that differ, those of `config` by themselves; rootfs and history are told of elsewhere. */
const configDifferences = (a: JsonObject, b: JsonObject): readonly string[] => {
  const differing = (x: JsonObject, y: JsonObject, leave: readonly string[]): string[] =>
    [...new Set([...Object.keys(x), ...Object.keys(y)])].filter(
      key => !leave.includes(key) && JSON.stringify(x[key] ?? null) !== JSON.stringify(y[key] ?? null),
    )
  const inner = differing((a.config ?? {}) as JsonObject, (b.config ?? {}) as JsonObject, [])
  return [...inner.map(key => `config.${key}`), ...differing(a, b, ['config', 'rootfs', 'history'])].sort()
}
