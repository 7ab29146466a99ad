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
import type { OpenedImage } from '../container/image.js'
import { opaqueMark } from '../rootfs/overlay-marks.js'
import { removeTree } from '../rootfs/remove-tree.js'
import type { Rootfs } from '../rootfs/rootfs.js'
import { stubsFor } from '../rootfs/stubs.js'

export interface ChangesLayer {
  readonly toc: Toc
  /** Uncompressed and verified. */
  readonly bytes: ByteSource
}

/** Give a root file system that was just made ready the changes of another. */
export const fillUpper = async (
  rootfs: Rootfs,
  image: OpenedImage,
  { toc, bytes }: ChangesLayer,
): Promise<void> => {
  const tocs = await Promise.all(image.image.layers.map(layer => layer.toc()))
  const tree = mergeTocs(tocs)
  addLayer(tree, stubsFor(tree))
  const own = contentsIn([bytes])
  if (rootfs.tree === undefined) {
    const entries = overlayEntries(toc, tree)
    await into(rootfs.upper!, root => unpack(rowsOfEntries(entries, own), own, root))
    return
  }
  addLayer(tree, toc)
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

/** The layer's entries as overlayfs has them: devices 0:0 for whiteouts, an attribute for an opaque marker. */
const overlayEntries = (toc: Toc, below: MergedTree): readonly FlatEntry[] => {
  const entries = [...flatEntries(treeOf(toc))]
  const opaque = new Set<string>()
  for (const { entry } of entries) {
    const found = whiteoutOf(nameOf(entry.path))
    if (found?.kind === 'opaque') opaque.add(found.folder)
  }
  const all = entries.flatMap((flat): FlatEntry[] => {
    const { entry } = flat
    const path = nameOf(entry.path)
    const found = whiteoutOf(path)
    if (found?.kind === 'whiteout')
      return [{ entry: { path: Buffer.from(found.target, 'latin1'), type: 'character-device', mode: 0 } }]
    if (found !== undefined) return []
    if (!opaque.has(path)) return [flat]
    return [{ entry: { ...entry, xattrs: [...(entry.xattrs ?? []), mark] } }]
  })
  // Overlayfs shows the attributes of this folder as those of the root.
  const root = attributesOf(below.entry(below.root))
  const hasRoot = nameOf(entries[0]?.entry.path ?? Buffer.alloc(0)) === '.'
  return hasRoot ? all : [{ entry: entryWith(root, Buffer.from('./'), 'directory') }, ...all]
}

const mark = { name: Buffer.from(opaqueMark.root), value: Buffer.from('y') }

const nameOf = (path: Buffer): string => path.toString('latin1').replace(/\/$/, '')
