import { changesOf, type Change } from '../rootfs/changes.js'
import { openContainerFiles } from '../rootfs/container-files.js'
import { withFrozen } from './pause.js'
import { isRootless } from './prepare-start.js'
import { hasRootfs, imageOf } from './container-rootfs.js'
import type { Container } from './record.js'

/** What a container has done to the files of its image, as docker diff tells it; nothing where it never ran. */
export const diffContainer = async (container: Container): Promise<readonly Change[]> => {
  const { places } = container
  if (!hasRootfs(container)) return []
  await using image = await imageOf(container)
  return withFrozen(container, async () => {
    await using files = await openContainerFiles({
      place: { folder: places.rootfs, rootless: isRootless() },
      image,
    })
    return changesOf(files)
  })
}
