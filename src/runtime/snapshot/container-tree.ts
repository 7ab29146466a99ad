import { imageContents } from '../../image/file-content.js'
import type { Snapshot } from '../../image/snapshot.js'
import { mergeTocs } from '../../layer/merged-tree.js'
import { visible } from '../../spec/escape.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { lossesOfFiles, openFilesOf, openImageOf } from './container-files.js'

/**
 * A container's files for looking at some of them: the list is of one moment, contents are read where they lie. To
 * be disposed of.
 */
export const openContainerTree = async (container: Container): Promise<Snapshot> => {
  const place = `the container ${visible(container.settings.name)}`
  const image = await openImageOf(container)
  try {
    const files = await withFrozen(container, () => openFilesOf(container, image))
    return {
      ...{ place, format: 'dir', warnings: [] },
      tree: files?.after ?? mergeTocs(await Promise.all(image.image.layers.map(layer => layer.toc()))),
      contents: files?.contents ?? imageContents(image.source, image.image),
      losses: files ? lossesOfFiles(files, place) : [],
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
