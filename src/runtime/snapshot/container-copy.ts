import type { Part } from '../../bytes/parts.js'
import { openSpoolFile, type SpoolFile } from '../../bytes/spool-file.js'
import { writeInOrder } from '../../bytes/write-in-order.js'
import { verifiedContents } from '../../image/file-content.js'
import type { Loss } from '../../image/loss.js'
import type { Snapshot } from '../../image/snapshot.js'
import { type Contents, contentsIn } from '../../layer/content.js'
import { addLayer, type MergedTree, mergeTocs } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { visible } from '../../spec/escape.js'
import { imageOf } from '../container/container-rootfs.js'
import type { OpenedImage } from '../container/image.js'
import { keepStopped, withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import type { ContainerFiles } from '../rootfs/container-files.js'
import { commitConfig } from './commit-config.js'
import { createdOf, lossesOfFiles, openFilesOf } from './container-files.js'

/**
 * A container's files for reading all of them, as of one moment. What a running one has changed is copied into an
 * unnamed temporary file while it stands still, and it need not stand until whoever reads is done; one that does not
 * run is read where it lies, and not started meanwhile. The places to mount on that every container gets are not
 * there, where docker export has them: files of the image that they hide are. To be disposed of.
 */
export const openContainerCopy = async (container: Container): Promise<Snapshot> => {
  const { settings } = container
  const open: AsyncDisposable[] = []
  const use = <Opened extends AsyncDisposable>(opened: Opened): Opened => {
    open.unshift(opened)
    return opened
  }
  const close = async () => {
    for (const opened of open.splice(0)) await opened[Symbol.asyncDispose]()
  }
  try {
    const stopped = await keepStopped(container)
    if (stopped) use(stopped)
    const image = use(await imageOf(container))
    const spool = use(await openSpoolFile())
    const own = stopped
      ? await findChanges(container, image, use)
      : await withFrozen(container, () => copyChanges(container, image, spool))
    const tree = own?.image ?? mergeTocs(await Promise.all(image.image.layers.map(layer => layer.toc())))
    if (own) addLayer(tree, own.toc)
    const base = await verifiedContents(image.source, image.image, spool)
    const config = commitConfig(image.image.config, settings, { created: createdOf(container) }, undefined)
    return {
      ...{ place: `the container ${visible(settings.name)}`, format: 'rootfs', warnings: [] },
      tree,
      contents: own ? contentsOf(base, own.contents, image.image.layers.length) : base,
      carried: { config, names: [], manifest: settings.image.manifest },
      losses: own?.losses ?? [],
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What a container has changed, as a layer of its own. */
interface OwnLayer {
  /** Without it. */
  readonly image: MergedTree
  readonly toc: Toc
  readonly contents: Contents
  readonly losses: readonly Loss[]
}

const findChanges = async (
  container: Container,
  image: OpenedImage,
  use: (opened: ContainerFiles) => void,
): Promise<OwnLayer | undefined> => {
  const files = await openFilesOf(container, image)
  if (files === undefined) return undefined
  use(files)
  return layerOf(container, files, files.own)
}

const copyChanges = async (
  container: Container,
  image: OpenedImage,
  spool: SpoolFile,
): Promise<OwnLayer | undefined> => {
  await using files = await openFilesOf(container, image)
  if (files === undefined) return undefined
  const file = await spool.fill(fd => writeInOrder(fd, contentParts(files.changes, files.own)))
  return layerOf(container, files, contentsIn([file]))
}

const layerOf = (container: Container, files: ContainerFiles, contents: Contents): OwnLayer => ({
  ...{ image: files.image, toc: files.changes, contents },
  losses: lossesOfFiles(files, container.settings.name),
})

/** The contents one after the other; the table of contents learns where each is. */
function* contentParts(toc: Toc, contents: Contents): Iterable<Part> {
  let offset = 0
  for (const [index, length] of toc.columns.storedSize.entries()) {
    if (length === 0) continue
    toc.columns.dataOffset[index] = offset
    offset += length
    const content = { layer: 0, entry: toc.entry(index) }
    const fill = contents.fillOf?.(content)
    yield fill ? { length, fill } : { length, stream: contents.stored(content) }
  }
}

/** Of the layer `at` out of `own`, which knows no other, of those below it out of `base`. */
const contentsOf = (base: Contents, own: Contents, at: number): Contents => ({
  stored: content => (content.layer === at ? own.stored({ ...content, layer: 0 }) : base.stored(content)),
  regionOf: content =>
    content.layer === at ? own.regionOf?.({ ...content, layer: 0 }) : base.regionOf?.(content),
  fillOf: content => (content.layer === at ? own.fillOf?.({ ...content, layer: 0 }) : base.fillOf?.(content)),
  layerFile: layer => (layer === at ? own.layerFile?.(0) : base.layerFile?.(layer)),
})
