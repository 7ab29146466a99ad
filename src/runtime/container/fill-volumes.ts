import { closeSync, constants, openSync } from 'node:fs'
import { imageContents } from '../../image/file-content.js'
import { rowsOfEntries } from '../../layer/disk/rows-of-entries.js'
import { unpack } from '../../layer/disk/unpack.js'
import { attributesOf, entryWith, type FlatEntry } from '../../layer/flat-entry.js'
import { flatEntries } from '../../layer/flat-tar.js'
import { type MergedTree, mergeTocs } from '../../layer/merged-tree.js'
import type { OpenedImage } from './image.js'
import type { Container } from './record.js'
import { makeVolume } from './volumes.js'

/** Make the volumes of a new container that are not there yet, with what its image has where they are mounted. */
export const fillVolumes = async (
  { settings, all }: Pick<Container, 'settings' | 'all'>,
  image: OpenedImage,
): Promise<void> => {
  const tree = mergeTocs(await Promise.all(image.image.layers.map(layer => layer.toc())))
  const contents = imageContents(image.source, image.image)
  for (const mount of settings.mounts)
    if (mount.type === 'volume')
      await makeVolume(all, mount.volume, mount.target, async (folder, path) => {
        const entries = entriesBelow(tree, path)
        if (entries === undefined) return
        const root = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
        try {
          await unpack(rowsOfEntries(entries, contents), contents, root)
        } finally {
          closeSync(root)
        }
      })
}

/** The folder at `path` as a tree of its own; undefined where the image has no folder. */
const entriesBelow = (tree: MergedTree, path: string): readonly FlatEntry[] | undefined => {
  const node = tree.lookup(Buffer.from(path).toString('latin1'), { follow: true })
  if (node?.inode.type !== 'directory') return undefined
  const from = `${tree.pathOf(node)}/`
  const cut = (name: Buffer) => name.subarray(from.length)
  const entries = [...flatEntries(tree, { includes: name => name.startsWith(from) })]
  const below = entries.filter(({ entry }) => {
    const name = entry.path.toString('latin1')
    return name.startsWith(from) && name !== from
  })
  const root = entryWith(attributesOf(tree.entry(node)), Buffer.from('./'), 'directory')
  return [
    { entry: root },
    ...below.map(({ entry, ...rest }) => ({
      ...rest,
      entry: {
        ...entry,
        path: cut(entry.path),
        ...(entry.type === 'hardlink' && { linkPath: cut(entry.linkPath!) }),
      },
    })),
  ]
}
