import type { Loss } from '../../image/loss.js'
import type { MeasuredLayer } from '../../layer/measure.js'
import { measureRegion } from '../../layer/measure-region.js'
import { writeLayer } from '../../layer/write-layer.js'
import type { OpenedImage } from '../container/image.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { lossesOfFiles, openFilesOf } from './container-files.js'

export interface WrittenChanges {
  /** Of a `size` of 0 where the container has changed nothing. */
  readonly measured: MeasuredLayer
  readonly losses: readonly Loss[]
}

/**
 * Write what a container has changed as a layer's tar into the empty file `fd`. It stands still meanwhile, unless
 * `pause` is false: then a file that changes while it is read is an error, never a torn one.
 */
export const writeChanges = (
  container: Container,
  image: OpenedImage,
  fd: number,
  { pause = true }: { readonly pause?: boolean } = {},
): Promise<WrittenChanges> => {
  const what = 'the changes of the container'
  const write = async (): Promise<WrittenChanges> => {
    await using files = await openFilesOf(container, image)
    const entries = files?.layer() ?? []
    const measured = files && entries.length > 0 && (await writeLayer(fd, entries, files.contents, what))
    return {
      measured: measured || (await measureRegion({ file: { fd, offset: 0, length: 0 }, what })),
      losses: files ? lossesOfFiles(files, container.settings.name) : [],
    }
  }
  return pause ? withFrozen(container, write) : write()
}
