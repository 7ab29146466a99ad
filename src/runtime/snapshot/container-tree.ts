import { imageContents } from '../../image/file-content.js'
import type { Snapshot } from '../../image/snapshot.js'
import { mergeTocs } from '../../layer/merged-tree.js'
import { visible } from '../../spec/escape.js'
import { imageOf } from '../container/container-rootfs.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { commitConfig } from './commit-config.js'
import { createdOf, lossesOfFiles, openFilesOf } from './container-files.js'

/**
 * A container's files for looking at some of them, with the places to mount on that every container gets: the list is
 * of one moment, contents are read where they lie, when they are asked for. To be disposed of.
 */
export const openContainerTree = async (container: Container): Promise<Snapshot> => {
  const { settings } = container
  const place = `the container ${visible(settings.name)}`
  const image = await imageOf(container)
  try {
    const files = await withFrozen(container, () => openFilesOf(container, image))
    const config = commitConfig(image.image.config, settings, { created: createdOf(container) }, undefined)
    return {
      ...{ place, format: 'dir', warnings: [] },
      tree: files?.after ?? mergeTocs(await Promise.all(image.image.layers.map(layer => layer.toc()))),
      contents: files?.contents ?? imageContents(image.source, image.image),
      carried: { config, names: [], manifest: settings.image.manifest },
      losses: files ? lossesOfFiles(files, settings.name) : [],
      [Symbol.asyncDispose]: async () => {
        await files?.[Symbol.asyncDispose]()
        await image[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await image[Symbol.asyncDispose]()
    throw error
  }
}
