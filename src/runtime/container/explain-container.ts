import { explain } from '../launcher/explain.js'
import { prepareRootfs } from '../rootfs/prepare.js'
import type { OpenedImage } from './image.js'
import { isRootless, plannedProgram } from './prepare-start.js'
import type { Container } from './record.js'
import { removeFiles } from './remove.js'
import { rootFiles } from './root-files.js'

/** What starting the container would do, step by step; the container goes with it. */
export const explainContainer = async (container: Container, image: OpenedImage): Promise<string> => {
  const { settings, places, all } = container
  const { kind } = settings.rootfs
  try {
    const rootfs = await prepareRootfs({
      image,
      place: { folder: places.rootfs, rootless: isRootless() },
      storeDirectory: all.store,
      ...(kind && { kind }),
    })
    const program = await plannedProgram(
      container,
      rootfs,
      rootFiles(rootfs, async () => image),
    )
    return `Root file system: ${rootfs.kind}, ${rootfs.why}\n${explain(program).trimEnd()}`
  } finally {
    await removeFiles(container, { volumes: true })
  }
}
