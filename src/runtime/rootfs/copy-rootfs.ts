/** The root file system as one flat folder, `tree`, for kernels and file systems with neither overlayfs nor EROFS. */
import { closeSync, constants, openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sideBySide } from '../../bytes/side-by-side.js'
import { openSpoolFile } from '../../bytes/spool-file.js'
import type { Image } from '../../image/interfaces.js'
import { openLayerBytes } from '../../image/layer-bytes.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { contentsIn } from '../../layer/content.js'
import { rowsOfTree } from '../../layer/disk/rows-of-tree.js'
import { unpack } from '../../layer/disk/unpack.js'
import { indexLayer } from '../../layer/index-layer.js'
import { addLayer, mergeTocs } from '../../layer/merged-tree.js'
import type { ProgramStep } from '../launcher/program.js'
import { mountFlags, mountStep } from './mount-steps.js'
import { stubsFor } from './stubs.js'

/** Unpack the image, every layer checked before. */
export const prepareCopy = async (
  folder: string,
  { source, image }: { source: AnySource; image: Image },
): Promise<void> => {
  await using spool = await openSpoolFile()
  const bytes = await sideBySide(image.layers, layer => openLayerBytes(source, layer, spool))
  const tree = mergeTocs(
    await Promise.all(
      image.layers.map(
        async ({ diffId }, index) => (await source.tocOf?.(diffId)) ?? indexLayer(bytes[index]!),
      ),
    ),
  )
  addLayer(tree, stubsFor(tree))
  const path = join(folder, 'tree')
  await mkdir(path, { mode: 0o755 })
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const contents = contentsIn(bytes)
    await unpack(rowsOfTree(tree, contents), contents, fd)
  } finally {
    closeSync(fd)
  }
}

export const copySteps =
  (folder: string) =>
  (target: string): readonly ProgramStep[] => [
    mountStep(`bind the copied tree on ${target}`, {
      ...{ source: join(folder, 'tree'), target, flags: mountFlags.bind | mountFlags.recursive },
    }),
  ]
