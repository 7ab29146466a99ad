import { type Change, changesOf } from '../rootfs/changes.js'
import { openContainerFiles } from '../rootfs/container-files.js'
import { isRootless } from '../rootless/is-rootless.js'
import { hasRootfs, imageOf } from './container-rootfs.js'
import { withFrozen } from './pause.js'
import type { Container } from './record.js'

/** What a container has done to the files of its image, as docker diff tells it, by path; nothing where it never ran. */
export const diffContainer = async (container: Container): Promise<readonly Change[]> => {
  const { places } = container
  if (!hasRootfs(container)) return []
  await using image = await imageOf(container)
  return withFrozen(container, async () => {
    await using files = await openContainerFiles({
      place: { folder: places.rootfs, rootless: isRootless() },
      image,
    })
    return [...changesOf(files)].sort((a, b) => Buffer.compare(a.path, b.path))
  })
}
