import type { Loss } from '../../image/loss.js'
import type { MeasuredLayer } from '../../layer/measure.js'
import { measureRegion } from '../../layer/measure-region.js'
import { writeLayer } from '../../layer/write-layer.js'
import type { OpenedImage } from '../container/image.js'
import type { Container } from '../container/record.js'
import { lossesOfFiles, openFilesOf } from './container-files.js'

export interface WrittenChanges {
  /** Of a `size` of 0 where the container has changed nothing. */
  readonly measured: MeasuredLayer
  readonly losses: readonly Loss[]
}

/**
 * Write what a container has changed as a layer's tar into the empty file `fd`. Whoever wants it as of one moment freezes
 * the container; otherwise a file whose length changes while it is read is an error.
 */
export const writeChanges = async (
  container: Container,
  image: OpenedImage,
  fd: number,
): Promise<WrittenChanges> => {
  const what = 'the changes of the container'
  await using files = await openFilesOf(container, image)
  const entries = files?.layer() ?? []
  const measured = files && entries.length > 0 && (await writeLayer(fd, entries, files.contents, what))
  return {
    measured: measured || (await measureRegion({ file: { fd, offset: 0, length: 0 }, what })),
    losses: files ? lossesOfFiles(files, container.settings.name) : [],
  }
}
