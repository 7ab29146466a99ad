/**
 * Layers as folders that overlayfs stacks, each unpacked once into the store. A folder is not what its layer says
 * but what it does to the layers below, by the rules of merged-tree.ts: names that go are explicit whiteouts,
 * parents that are symbolic links in a lower layer are followed, links to lower files have their content. So
 * it is known by the ChainID, and every odd layer gives the tree that it gives anywhere else in lading. On top
 * comes one more folder with the stubs, whose root has the attributes of `/`.
 */
import { closeSync, constants, openSync } from 'node:fs'
import { access, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteSource } from '../../bytes/byte-stream.js'
import { loadCLibrary } from '../../bytes/libc.js'
import { memorySource } from '../../bytes/memory-source.js'
import { sideBySide } from '../../bytes/side-by-side.js'
import { openSpoolFile } from '../../bytes/spool-file.js'
import type { Image, Layer } from '../../image/interfaces.js'
import { openLayerBytes } from '../../image/layer-bytes.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { changesetEntries } from '../../layer/changeset.js'
import { contentsIn } from '../../layer/content.js'
import { rowsOfEntries } from '../../layer/disk/rows-of-entries.js'
import { unpack } from '../../layer/disk/unpack.js'
import { attributesOf, type FlatEntry } from '../../layer/flat-entry.js'
import { indexLayer } from '../../layer/index-layer.js'
import { addLayer, type MergedTree, mergeTocs } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { chainIds } from '../../spec/chain-id.js'
import { hexOf } from '../../spec/digest.js'
import { forOverlay } from './overlay-entry.js'
import { makeComplete, type RootfsFolders } from './store-folders.js'
import { stubsFor } from './stubs.js'
import { stubsVersion } from './stubs-version.js'

/** The folders of an image's layers, base first, stubs last. All layers are checked before any is unpacked. */
export const unpackLayers = async (
  source: AnySource,
  image: Image,
  folders: RootfsFolders,
): Promise<readonly string[]> => {
  const chain = chainIds(image.layers.map(({ diffId }) => diffId)).map(hexOf)
  const names = [...chain, `${chain.at(-1) ?? 'empty'}-${stubsVersion}`]
  const paths = names.map(name => join(folders.unpacked, name))
  const present = await Promise.all(paths.map(isThere))
  if (present.every(Boolean)) return paths

  await using spool = await openSpoolFile()
  const open = (layer: Layer) => openLayerBytes(source, layer, spool)
  // A store has checked its layers when they came. Of others what a lower one says of itself is in doubt as well.
  const all = source.format === 'store' ? undefined : await sideBySide(image.layers, open)
  const tocs = await Promise.all(image.layers.map((layer, index) => tocOf(source, layer, all?.[index])))
  const [below, tree] = [mergeTocs([]), mergeTocs([])]
  const missing: { path: string; entries: FlatEntry[] }[] = []
  for (const [index, path] of paths.entries()) {
    const toc = tocs[index] ?? stubsFor(tree)
    addLayer(tree, toc)
    if (!present[index]) missing.push({ path, entries: entriesFor(below, tree, index === tocs.length) })
    addLayer(below, toc)
  }
  const used = new Set(missing.flatMap(({ entries }) => entries.map(({ content }) => content?.layer)))
  const opened = async (layer: Layer) => (used.has(layer.index) ? open(layer) : nothing)
  const bytes = all ?? (await sideBySide(image.layers, opened))
  for (const { path, entries } of missing)
    await makeComplete(folders, path, draft => unpackInto(draft, entries, bytes))
  return paths
}

const nothing = memorySource(Buffer.alloc(0))

const tocOf = async (source: AnySource, layer: Layer, bytes: ByteSource | undefined): Promise<Toc> =>
  bytes === undefined ? layer.toc() : ((await source.tocOf?.(layer.diffId)) ?? indexLayer(bytes))

/** What the topmost layer of `tree` does to those `below`; of the last also what the root is like. */
const entriesFor = (below: MergedTree, tree: MergedTree, isLast: boolean): FlatEntry[] => {
  const entries = withParents(changesetEntries(below, tree), tree).flatMap(forOverlay)
  const root = { ...attributesOf(tree.entry(tree.root)), path: Buffer.from('./'), type: 'directory' } as const
  if (isLast) entries.unshift(...forOverlay({ entry: root }))
  return entries
}

/** The same, each folder on the way there as the merged tree has it: overlayfs shows the topmost one's attributes. */
const withParents = (entries: readonly FlatEntry[], tree: MergedTree): readonly FlatEntry[] => {
  const known = new Set([''])
  const all: FlatEntry[] = []
  const folder = (path: string): void => {
    if (known.has(path)) return
    known.add(path)
    folder(parentOf(path))
    const attributes = attributesOf(tree.entry(tree.lookup(path)!))
    all.push({ entry: { ...attributes, path: Buffer.from(`${path}/`, 'latin1'), type: 'directory' } })
  }
  for (const flat of entries) {
    const path = flat.entry.path.toString('latin1').replace(/\/$/, '')
    if (path !== '.') folder(parentOf(path))
    if (flat.entry.type === 'directory') known.add(path)
    all.push(flat)
  }
  return all
}

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0))

const unpackInto = async (
  path: string,
  entries: readonly FlatEntry[],
  bytes: readonly ByteSource[],
): Promise<void> => {
  await mkdir(path, { mode: 0o700 })
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const contents = contentsIn(bytes)
    await unpack(rowsOfEntries(entries, contents), contents, fd)
    await syncAll(fd)
  } finally {
    closeSync(fd)
  }
}

/** syncfs(2): the folder's name says that all of it is there, also after a power cut. */
const syncAll = async (fd: number): Promise<void> => {
  const library = await loadCLibrary()
  library.bind('int syncfs(int fd)')(fd)
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
