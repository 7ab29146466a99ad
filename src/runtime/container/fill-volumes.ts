import { closeSync, constants, fchmodSync, fchownSync, openSync } from 'node:fs'
import { imageContents } from '../../image/file-content.js'
import { unpack } from '../../layer/disk/unpack.js'
import { flatEntries } from '../../layer/flat-tar.js'
import { mergeTocs } from '../../layer/merged-tree.js'
import type { OpenedImage } from './image.js'
import type { Container } from './record.js'
import { makeVolume } from './volumes.js'

/** Make the volumes of a new container that are not there yet, with what its image has where they are mounted. */
export const fillVolumes = async ({ settings, all }: Container, image: OpenedImage): Promise<void> => {
  const tree = mergeTocs(await Promise.all(image.image.layers.map(layer => layer.toc())))
  const contents = imageContents(image.source, image.image)
  for (const mount of settings.mounts)
    if (mount.type === 'volume')
      await makeVolume(all, mount.volume, mount.target, async (folder, path) => {
        const node = tree.lookup(Buffer.from(path).toString('latin1'), { follow: true })
        const entry = node && tree.entry(node)
        if (node?.inode.type !== 'directory') return
        const from = tree.pathOf(node)
        const { entries } = flatEntries(tree, { includes: name => name.startsWith(`${from}/`) })
        const within = entries.filter(({ entry }) => entry.path.length > from.length + 1)
        const cut = (name: Buffer) => name.subarray(from.length + 1)
        const root = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
        try {
          await unpack(
            within.map(({ entry, ...rest }) => ({
              ...rest,
              entry: {
                ...entry,
                path: cut(entry.path),
                ...(entry.type === 'hardlink' && { linkPath: cut(entry.linkPath!) }),
              },
            })),
            contents,
            root,
          )
          if (entry) {
            fchownSync(root, entry.uid, entry.gid)
            fchmodSync(root, entry.mode & 0o7777)
          }
        } finally {
          closeSync(root)
        }
      })
}
