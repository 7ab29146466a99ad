/** The way back from a layer to what a container has changed: overlayfs's folder of changes, or the whole of a copy. */
import { closeSync, constants, mkdirSync, openSync } from 'node:fs'
import type { ByteSource } from '../../bytes/byte-stream.js'
import { imageContents } from '../../image/file-content.js'
import { type Contents, contentsIn } from '../../layer/content.js'
import { rowsOfEntries } from '../../layer/disk/rows-of-entries.js'
import { rowsOfTree } from '../../layer/disk/rows-of-tree.js'
import { unpack } from '../../layer/disk/unpack.js'
import { attributesOf, entryWith, type FlatEntry } from '../../layer/flat-entry.js'
import { flatEntries } from '../../layer/flat-tar.js'
import { addLayer, type MergedTree, mergeTocs, treeOf } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { whiteoutOf } from '../../layer/whiteout.js'
import type { WritableEntry } from '../../tar/write.js'
import { forOverlay } from '../rootfs/overlay-entry.js'
import { inodeXattrs, opaqueMark } from '../rootfs/overlay-marks.js'
import type { ImageToRun } from '../rootfs/prepare.js'
import { removeTree } from '../rootfs/remove-tree.js'
import type { Rootfs, RootfsPlace } from '../rootfs/rootfs.js'
import { stubsFor } from '../rootfs/stubs.js'

export interface ChangesLayer {
  readonly toc: Toc
  /** Uncompressed and verified. */
  readonly bytes: ByteSource
}

/** Give a root file system that was just made ready in `place` the changes of another. */
export const fillUpper = async (
  rootfs: Rootfs,
  { place: { rootless }, image }: { readonly place: RootfsPlace; readonly image: ImageToRun },
  { toc, bytes }: ChangesLayer,
): Promise<void> => {
  const tocs = await Promise.all(image.image.layers.map(layer => layer.toc()))
  const tree = mergeTocs(tocs)
  addLayer(tree, stubsFor(tree))
  addLayer(tree, toc)
  const own = contentsIn([bytes])
  if (rootfs.tree === undefined) {
    const entries = overlayEntries(toc, tree, opaqueMark[rootless ? 'rootless' : 'root'])
    await into(rootfs.upper!, root => unpack(rowsOfEntries(entries, own), own, root))
    return
  }
  const base = imageContents(image.source, image.image)
  const top = tocs.length + 1
  const contents: Contents = {
    stored: content => (content.layer === top ? own.stored({ ...content, layer: 0 }) : base.stored(content)),
  }
  await removeTree(rootfs.tree)
  mkdirSync(rootfs.tree, { mode: 0o755 })
  await into(rootfs.tree, root => unpack(rowsOfTree(tree, contents), contents, root))
}

const into = async (folder: string, work: (root: number) => Promise<unknown>): Promise<void> => {
  const root = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    await work(root)
  } finally {
    closeSync(root)
  }
}

/** The layer's entries as overlayfs has them. It shows the attributes of the topmost folder, so each is as `merged` has it. */
const overlayEntries = (toc: Toc, merged: MergedTree, mark: string): readonly FlatEntry[] => {
  const entries = [...flatEntries(treeOf(toc))]
  const opaque = new Set<string>()
  for (const { entry } of entries) {
    const found = whiteoutOf(nameOf(entry.path))
    if (found?.kind === 'opaque') opaque.add(found.folder)
  }
  const all = entries.flatMap(forOverlay).map((flat): FlatEntry => {
    if (flat.entry.type !== 'directory') return flat
    const path = nameOf(flat.entry.path)
    // Of a folder that is only on the way to another the layer says nothing.
    const entry = flat.entry.mtime === undefined ? folderOf(merged, path) : flat.entry
    const xattrs = [...(entry.xattrs ?? []), ...(opaque.has(path) ? [opaqueXattr(mark)] : [])]
    return { entry: { ...entry, xattrs } }
  })
  return all[0] && nameOf(all[0].entry.path) === '.' ? all : [{ entry: folderOf(merged, '.') }, ...all]
}

const folderOf = (tree: MergedTree, path: string): WritableEntry => {
  const node = path === '.' ? tree.root : tree.lookup(path)
  const found = node && tree.entry(node)
  const xattrs = found && inodeXattrs(found)
  return entryWith(
    { ...attributesOf(found), ...(xattrs && { xattrs }) },
    Buffer.from(`${path}/`, 'latin1'),
    'directory',
  )
}

const opaqueXattr = (name: string) => ({ name: Buffer.from(name), value: Buffer.from('y') })

const nameOf = (path: Buffer): string => path.toString('latin1').replace(/\/$/, '')
