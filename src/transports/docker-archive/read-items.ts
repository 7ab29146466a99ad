import { drain } from '../../bytes/collect.js'
import { counted } from '../../bytes/counted.js'
import { decompress } from '../../bytes/decompress.js'
import { createHasher, digestOf } from '../../bytes/hasher.js'
import { inflatedSource } from '../../bytes/inflated-source.js'
import { sniffCompression, sniffLength } from '../../bytes/sniff.js'
import type { Root } from '../../image/interfaces.js'
import type { Warning } from '../../image/loss.js'
import { parseConfig } from '../../spec/config.js'
import { deriveManifest } from '../../spec/derived-manifest.js'
import type { Descriptor } from '../../spec/descriptor.js'
import type { Digest } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { limits } from '../../spec/limits.js'
import { mediaTypes, withEncoding } from '../../spec/media-types.js'
import { readDescriptor } from '../../spec/read-descriptor.js'
import { parseReference, type Reference } from '../../spec/reference.js'
import type { Archive, ArchiveFile } from '../archive/archive.js'
import type { BlobTable } from '../archive/blob-table.js'
import { type ManifestItem, readManifestItems } from './items.js'

/** The images of manifest.json as roots with derived manifests; their blobs go into `table`. */
export const readItems = async (
  archive: Archive,
  table: BlobTable,
  warnings: Warning[],
): Promise<readonly Root[]> => {
  const roots: Root[] = []
  for (const [index, item] of (await readManifestItems(archive)).entries()) {
    const descriptor = await readItem(archive, table, item, index)
    roots.push({ descriptor, names: readTags(item.repoTags, warnings), origin: 'derived' })
  }
  return roots
}

/** One image: its config and layers put into `table`; the descriptor of its derived manifest. */
export const readItem = async (
  archive: Archive,
  table: BlobTable,
  item: ManifestItem,
  index: number,
): Promise<Descriptor> => {
  const bytes = await archive.document(item.config, limits.config)
  const digest = digestOf(bytes)
  const { diffIds } = parseConfig(bytes, `config ${visible(item.config)} of ${archive.place}`)
  if (diffIds.length !== item.layers.length)
    throw new LadingError(
      'BAD_DOCUMENT',
      `Layer counts disagree in item ${index} of manifest.json of ${archive.place}: it lists ${item.layers.length} layers, ` +
        `rootfs.diff_ids of its config ${diffIds.length}`,
      { data: { item: index, manifest: item.layers.length, config: diffIds.length } },
    )
  const layers: Descriptor[] = []
  for (const [at, name] of item.layers.entries())
    layers.push(await readLayer(archive, table, item, name, diffIds[at]!))
  const manifest = deriveManifest({ digest, size: bytes.length }, layers)
  table.addDocument({ bytes, descriptor: { mediaType: mediaTypes.ociConfig, digest, size: bytes.length } })
  table.addDocument(manifest)
  return manifest.descriptor
}

/**
 * The descriptor of a layer file. An uncompressed one is its DiffID by definition, and nothing is read (a lie
 * is found when the layer is); a compressed one has a digest of its own.
 */
const readLayer = async (
  archive: Archive,
  table: BlobTable,
  item: ManifestItem,
  name: string,
  diffId: Digest,
): Promise<Descriptor> => {
  const file = archive.file(name)
  if (file === undefined) return absentLayer(item, diffId)
  const { content, measured } = file
  const compression =
    measured?.compression ??
    sniffCompression(await content.read({ offset: 0, length: Math.min(sniffLength, content.size) }))
  if (compression === 'none') {
    const digest = measured?.digest ?? diffId
    table.add(digest, content, measured)
    return { mediaType: mediaTypes.ociLayer, digest, size: content.size }
  }
  if (compression === 'gzip' || compression === 'zstd') {
    const digest = measured?.digest ?? (await hash(file))
    table.add(digest, content, measured)
    return { mediaType: withEncoding(mediaTypes.ociLayer, compression), digest, size: content.size }
  }
  // bzip2 and xz have no media type: such a layer is shown as what it inflates to.
  const size = measured?.uncompressedSize ?? (await inflatedSize(file))
  table.add(diffId, inflatedSource(content, size, visible(name)))
  return { mediaType: mediaTypes.ociLayer, digest: diffId, size }
}

/** A layer that the archive leaves out: the receiver has it, or it is a foreign one with URLs. */
const absentLayer = ({ layerSources }: ManifestItem, diffId: Digest): Descriptor =>
  layerSources[diffId] === undefined
    ? { mediaType: mediaTypes.ociLayer, digest: diffId, size: 0 }
    : readDescriptor(layerSources[diffId], `LayerSources of ${diffId}`)

const hash = async ({ content }: ArchiveFile): Promise<Digest> => {
  const hasher = createHasher()
  for await (const chunk of content.stream()) hasher.update(chunk)
  return hasher.digest()
}

const inflatedSize = async ({ content, name }: ArchiveFile): Promise<number> => {
  let size = 0
  const { stream } = await decompress(content.stream(), {
    what: visible(name),
    maxBytes: limits.uncompressedLayer,
  })
  await drain(
    counted(stream, bytes => {
      size += bytes
    }),
  )
  return size
}

/** RepoTags; a name that is none is told and left out, so that the image can still be looked at. */
export const readTags = (tags: readonly string[], warnings: Warning[]): readonly Reference[] =>
  tags.flatMap(text => {
    try {
      const name = parseReference(text, 'tag')
      if (name.tag !== undefined) return [name]
      warnings.push({
        what: 'name',
        message: `The tag ${JSON.stringify(visible(text))} has no tag part, so it names nothing`,
      })
    } catch (error) {
      if (!(error instanceof LadingError)) throw error
      warnings.push({ what: 'name', message: error.message })
    }
    return []
  })
