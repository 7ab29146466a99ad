import { open } from 'node:fs/promises'
import { imageContents } from '../../image/file-content.js'
import type { Image } from '../../image/interfaces.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { addLayer, mergeTocs } from '../../layer/merged-tree.js'
import { writeCarried } from './erofs/carried.js'
import { buildErofs } from './erofs/image.js'
import { addNote, sealImage } from './erofs/image-file.js'
import type { LayerDevices } from './layer-devices.js'
import { rootAttributesOf } from './read-root-attributes.js'
import type { RootAttributes } from './root-attributes.js'
import { stubsFor } from './stubs.js'

/** Write the list of an image's files, with the stubs of every container, as an EROFS image whose contents are in the layers. */
export const writeImage = async (
  path: string,
  placed: LayerDevices,
  source: AnySource,
  image: Image,
): Promise<RootAttributes> => {
  const tocs = await placed.tocs()
  const tree = mergeTocs(tocs)
  const stubs = stubsFor(tree)
  addLayer(tree, stubs)
  const root = rootAttributesOf(tree)
  const { metadata, carried } = buildErofs({
    tree,
    tocs: [...tocs, stubs],
    layers: [...placed.layers, undefined],
    devices: placed.devices.map(({ size }) => size),
  })
  addNote(metadata, root)
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.writeFile(metadata)
    if (carried.length > 0) {
      await writeCarried(handle, carried, imageContents(source, image))
      // The kernel reads whole chunks, also where the last of a file has less.
      const last = carried.at(-1)!
      await handle.truncate(last.offset + last.chunks.filled.length * 512 * 2 ** last.chunks.bits)
    }
    sealImage(handle.fd)
  } finally {
    await handle.close()
  }
  return root
}
