import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { type Change, changesOf } from '../rootfs/changes.js'
import { openFilesOf, openImageOf } from './container-files.js'

/** What a container has done to the files of its image, as docker diff tells it; by path, in byte order. */
export const diffContainer = async (container: Container): Promise<readonly Change[]> => {
  await using image = await openImageOf(container)
  await using files = await withFrozen(container, () => openFilesOf(container, image))
  return files ? [...changesOf(files)].sort((a, b) => Buffer.compare(a.path, b.path)) : []
}
