import { explain } from '../launcher/explain.js'
import { rootfsOf } from './container-rootfs.js'
import type { OpenedImage } from './image.js'
import { plannedProgram } from './prepare-start.js'
import type { Container } from './record.js'
import { removeFiles } from './remove.js'
import { rootFiles } from './root-files.js'

/** What starting the container would do, step by step; the container goes with it. */
export const explainContainer = async (container: Container, image: OpenedImage): Promise<string> => {
  try {
    const rootfs = await rootfsOf(container, async () => image)
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
