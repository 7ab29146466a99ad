import type { ByteSource } from '../../bytes/byte-stream.js'
import type { Part } from '../../bytes/parts.js'
import { openSpoolFile, type SpoolFile } from '../../bytes/spool-file.js'
import { writeInOrder } from '../../bytes/write-in-order.js'
import { verifiedContents } from '../../image/file-content.js'
import type { Loss } from '../../image/loss.js'
import type { Snapshot } from '../../image/snapshot.js'
import { type Contents, contentsIn } from '../../layer/content.js'
import type { FlatEntry } from '../../layer/flat-entry.js'
import { mergeTocs } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { TocBuilder } from '../../layer/toc-builder.js'
import { visible } from '../../spec/escape.js'
import { imageOf } from '../container/container-rootfs.js'
import type { OpenedImage } from '../container/image.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { commitConfig } from './commit-config.js'
import { createdOf, lossesOfFiles, openFilesOf } from './container-files.js'

/**
 * A container's files for reading all of them, as of one moment. What it has changed is copied into an unnamed temporary
 * file while it stands still, and it need not stand until whoever reads is done. The places to mount on that every
 * container gets are not there, where docker export has them: files of the image that they hide are. To be disposed of.
 */
export const openContainerCopy = async (container: Container): Promise<Snapshot> => {
  const { settings } = container
  const image = await imageOf(container)
  const spool = await openSpoolFile()
  const close = async () => {
    await image[Symbol.asyncDispose]()
    await spool[Symbol.asyncDispose]()
  }
  try {
    const { copy, losses } = await withFrozen(container, () => copyChanges(container, image, spool))
    const tocs = await Promise.all(image.image.layers.map(layer => layer.toc()))
    const base = await verifiedContents(image.source, image.image, spool)
    const config = commitConfig(image.image.config, settings, { created: createdOf(container) }, undefined)
    return {
      ...{ place: `the container ${visible(settings.name)}`, format: 'rootfs', losses, warnings: [] },
      tree: mergeTocs([...tocs, ...(copy ? [copy.toc] : [])]),
      contents: copy ? contentsOf(base, copy.file, tocs.length) : base,
      carried: { config, names: [], manifest: settings.image.manifest },
      [Symbol.asyncDispose]: close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A layer without headers: contents, one after the other, where its table of contents says. */
interface CopiedLayer {
  readonly toc: Toc
  readonly file: ByteSource
}

const copyChanges = async (
  container: Container,
  image: OpenedImage,
  spool: SpoolFile,
): Promise<{ copy?: CopiedLayer; losses: readonly Loss[] }> => {
  await using files = await openFilesOf(container, image)
  if (files === undefined) return { losses: [] }
  const entries = files.layer()
  const file = await spool.fill(fd => writeInOrder(fd, contentParts(entries, files.contents)))
  return { copy: { toc: tocOf(entries), file }, losses: lossesOfFiles(files, container.settings.name) }
}

function* contentParts(entries: readonly FlatEntry[], contents: Contents): Iterable<Part> {
  for (const { content } of entries) {
    const length = content?.entry.storedSize ?? 0
    if (content === undefined || length === 0) continue
    const fill = contents.fillOf?.(content)
    yield fill ? { length, fill } : { length, stream: contents.stored(content) }
  }
}

const none = Buffer.alloc(0)
const unsaid = {
  ...{ mode: 0o755, uid: 0, gid: 0, uname: none, gname: none, size: 0, linkPath: none },
  ...{ mtime: { seconds: 0, nanos: 0 }, devMajor: 0, devMinor: 0, xattrs: [], headerOffset: 0 },
}

const tocOf = (entries: readonly FlatEntry[]): Toc => {
  const builder = new TocBuilder()
  let dataOffset = 0
  for (const { entry, content } of entries) {
    const said = Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined))
    const storedSize = content?.entry.storedSize ?? 0
    // Holes that no tar header can say are holes here.
    const sparse = content?.entry.sparse
    builder.add({
      ...{ ...unsaid, ...said, path: entry.path, type: entry.type, dataOffset, storedSize },
      ...(sparse && { sparse }),
    })
    dataOffset += storedSize
  }
  return builder.finish(dataOffset)
}

/** Of the layer `own` out of the file, of the others out of `base`. */
const contentsOf = (base: Contents, file: ByteSource, own: number): Contents => {
  const copied = contentsIn([file])
  return {
    stored: content =>
      content.layer === own ? copied.stored({ ...content, layer: 0 }) : base.stored(content),
    regionOf: content =>
      content.layer === own ? copied.regionOf!({ ...content, layer: 0 }) : base.regionOf?.(content),
    layerFile: layer => (layer === own ? copied.layerFile!(0) : base.layerFile?.(layer)),
  }
}
