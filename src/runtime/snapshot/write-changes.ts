import { writeParts } from '../../bytes/write-parts.js'
import type { Loss } from '../../image/loss.js'
import { flatTar } from '../../layer/flat-tar.js'
import type { OpenedImage } from '../container/image.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { lossesOfFiles, openFilesOf } from './container-files.js'

export interface WrittenChanges {
  /** Of the tar, in bytes; 0 where the container has changed nothing. */
  readonly length: number
  readonly losses: readonly Loss[]
}

/**
 * Write what a container has changed as a layer's tar into the open file. It stands still meanwhile, unless
 * `pause` is false: then a file that changes while it is read is an error, never a torn one.
 */
export const writeChanges = (
  container: Container,
  image: OpenedImage,
  fd: number,
  { pause = true }: { readonly pause?: boolean } = {},
): Promise<WrittenChanges> => {
  const write = async (): Promise<WrittenChanges> => {
    await using files = await openFilesOf(container, image)
    if (files === undefined) return { length: 0, losses: [] }
    const entries = files.layer()
    const length = entries.length === 0 ? 0 : await writeParts(fd, flatTar(entries, files.contents))
    return { length, losses: lossesOfFiles(files, container.settings.name) }
  }
  return pause ? withFrozen(container, write) : write()
}
