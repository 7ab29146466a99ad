import { openSpoolFile } from '../../bytes/spool-file.js'
import type { Root } from '../../image/interfaces.js'
import type { Loss } from '../../image/loss.js'
import { type AnySource, wrapSource } from '../../image/wrapped-source.js'
import { visible } from '../../spec/escape.js'
import { mediaTypes } from '../../spec/media-types.js'
import { BlobTable } from '../../transports/archive/blob-table.js'
import { joinImage, joinSources } from '../../verbs/joined-image.js'
import { imageOf } from '../container/container-rootfs.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { commitConfig } from './commit-config.js'
import { createdOf } from './container-files.js'
import { type WrittenChanges, writeChanges } from './write-changes.js'

export interface ContainerImage {
  /** With the one root; to be disposed of. */
  readonly source: AnySource
  readonly root: Root
  readonly losses: readonly Loss[]
}

/**
 * A container as a place that holds one image: the layers of its image where they are, and one more that lies in
 * an unnamed temporary file. It stands still only while that is written: whoever reads on may take as long as it takes.
 */
export const openContainerImage = async (container: Container): Promise<ContainerImage> => {
  const { settings } = container
  const image = await imageOf(container)
  const spool = await openSpoolFile()
  try {
    let written: WrittenChanges | undefined
    const file = await spool.fill(async fd => {
      written = await withFrozen(container, () => writeChanges(container, image, fd))
      return written.measured.size
    })
    const { losses, measured: found } = written!
    const table = new BlobTable(`the container ${settings.name}`)
    const layers = image.image.layers.map(({ descriptor }) => descriptor)
    const measured = file.size === 0 ? undefined : found
    if (measured) table.add(measured.digest, file, measured)
    const created = createdOf(container)
    const config = commitConfig(image.image.config, settings, { created }, measured?.diffId)
    const { root } = await joinImage(image.source, table, {
      config,
      layers: [
        ...layers,
        ...(measured
          ? [{ mediaType: mediaTypes.ociLayer, digest: measured.digest, size: measured.size }]
          : []),
      ],
      names: [],
    })
    const joined = joinSources(image.source, table, [root])
    const source = wrapSource(joined, {
      place: `the container ${visible(settings.name)}`,
      warnings: [...joined.warnings, ...losses.map(warningOf)],
      [Symbol.asyncDispose]: async () => {
        await image[Symbol.asyncDispose]()
        await spool[Symbol.asyncDispose]()
      },
    })
    return { source, root, losses }
  } catch (error) {
    await image[Symbol.asyncDispose]()
    await spool[Symbol.asyncDispose]()
    throw error
  }
}

const warningOf = ({ what, where, why, count }: Loss) => ({
  what,
  message: `${count} ${count === 1 ? 'file' : 'files'} of ${visible(where)} left out (${what}): ${why}`,
})
