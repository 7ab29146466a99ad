import { lossesAt } from '../../image/capabilities.js'
import type { Image, ImageSink, Layer, Tree } from '../../image/interfaces.js'
import { layerPart } from '../../image/layer-part.js'
import type { Loss } from '../../image/loss.js'
import { deriveManifest } from '../../spec/derived-manifest.js'
import { type Digest, hexOf } from '../../spec/digest.js'
import { isForeignLayer, isIndexType, mediaTypes } from '../../spec/media-types.js'
import { v1Layers } from '../../spec/v1-id.js'
import { isHeld } from '../archive/blob-plan.js'
import { type BundleOptions, bundleSink, type Composition } from '../archive/bundle.js'
import {
  type DockerImage,
  dockerImages,
  type ManifestItem,
  manifestJson,
  repositoriesJson,
  repoTags,
} from '../archive/docker-documents.js'
import type { Output } from '../archive/output.js'
import { type ArchiveEntry, archiveTime, documentEntry } from '../archive/writer.js'

/**
 * What `docker save` wrote from 1.10 to 24: a folder a layer, named by its v1 ID, and a config named by the
 * image ID. Layers are uncompressed; there is no place for manifests, indexes and artifacts, so what goes
 * with them is reported. A layer that two images share under different v1 IDs is written once; the others
 * are symlinks to it.
 */
export const dockerArchiveSink = (output: Output, options: BundleOptions): ImageSink =>
  bundleSink(output, {}, trees => compose(trees, options))

const compose = async (trees: readonly Tree[], { platform }: BundleOptions): Promise<Composition> => {
  const shown = dockerImages(trees, platform)
  const entries = new Map<string, ArchiveEntry>()
  const losses = trees.flatMap(tree => treeLosses(tree, shown))
  const holders = new Map<Digest, string>()
  const items: ManifestItem[] = []
  const tops: { names: DockerImage['names']; top: string | undefined }[] = []
  for (const { image, tree, names } of shown) {
    const mtime = archiveTime(image.config.created)
    const sizes: number[] = []
    for (const layer of image.layers) sizes.push(await uncompressedSize(tree, layer))
    const add = (entry: ArchiveEntry): void => {
      const earlier = entries.get(entry.name)
      entries.set(entry.name, earlier ? { ...earlier, mtime: Math.min(earlier.mtime, entry.mtime) } : entry)
    }
    const config = `${hexOf(image.configDocument.descriptor.digest)}.json`
    add(documentEntry(config, image.configDocument.bytes, mtime))
    const ids = v1Layers(image.config)
    for (const [index, { id, json }] of ids.entries()) {
      const layer = image.layers[index]!
      add({ name: `${id}/`, type: 'directory', mtime })
      add(documentEntry(`${id}/VERSION`, Buffer.from('1.0'), mtime))
      add(documentEntry(`${id}/json`, json, mtime))
      const holder = holders.get(layer.diffId)
      const name = `${id}/layer.tar`
      if (holder !== undefined && holder !== id)
        add({ name, type: 'symlink', linkName: `../${holder}/layer.tar`, mtime })
      else if (await isHeld(tree, layer)) {
        holders.set(layer.diffId, id)
        add({
          ...{ name, type: 'file', size: sizes[index]!, mtime, open: () => uncompressed(layer) },
          ...(isPlain(layer) && { part: () => layerPart(tree.source, layer) }),
        })
      }
    }
    items.push({
      Config: config,
      RepoTags: repoTags(names),
      Layers: ids.map(({ id }) => `${id}/layer.tar`),
      ...foreignSources(image),
    })
    tops.push({ names, top: ids.at(-1)?.id })
    losses.push(...imageLosses(image, sizes))
  }
  const repositories = repositoriesJson(tops)
  return {
    entries: [
      ...entries.values(),
      documentEntry('manifest.json', manifestJson(items)),
      ...(repositories ? [documentEntry('repositories', repositories)] : []),
    ],
    losses,
  }
}

const isPlain = ({ descriptor, diffId }: Layer): boolean => descriptor.digest === diffId

/** Of a compressed layer only a whole reading tells it, unless its table of contents has been kept. */
const uncompressedSize = async (tree: Tree, layer: Layer): Promise<number> =>
  isPlain(layer) || !(await isHeld(tree, layer)) ? layer.descriptor.size : (await layer.toc()).size

/** Since 1.12 docker save says of foreign layers where they came from; they are the only ones in it. */
const foreignSources = ({ layers }: Image): Pick<ManifestItem, 'LayerSources'> => {
  const foreign = layers.filter(({ descriptor }) => isForeignLayer(descriptor.mediaType))
  if (foreign.length === 0) return {}
  const sources = foreign.map(({ diffId, descriptor: { mediaType, size, digest, urls } }) => [
    diffId,
    { mediaType, size, digest, ...(urls && { urls }) },
  ])
  return { LayerSources: Object.fromEntries(sources) }
}

const uncompressed = (layer: Layer) => (isPlain(layer) ? layer.stored() : layer.uncompressed())

/** What goes because the format knows only single images. */
const treeLosses = ({ root, images, artifacts }: Tree, shown: readonly DockerImage[]): readonly Loss[] => {
  const where = root.descriptor.digest
  const written = new Set(shown.map(({ image }) => image.manifest.descriptor.digest))
  const others = images.filter(image => !written.has(image.manifest.descriptor.digest)).length
  return lossesAt('docker-archive', [
    { aspect: 'index', where, count: isIndexType(root.descriptor.mediaType) ? 1 : 0 },
    { aspect: 'platform', where, count: others },
    { aspect: 'artifact', where, count: artifacts.length },
  ])
}

/** The manifest that every reader derives for this image may be the very one it had; then nothing is lost with it. */
const imageLosses = (image: Image, sizes: readonly number[]): readonly Loss[] => {
  const compressed = image.layers.filter(layer => !isPlain(layer)).length
  const derived = deriveManifest(
    { digest: image.configDocument.descriptor.digest, size: image.configDocument.bytes.length },
    image.layers.map(({ diffId }, index) => ({
      mediaType: mediaTypes.ociLayer,
      digest: diffId,
      size: sizes[index]!,
    })),
  )
  const where = image.manifest.descriptor.digest
  const keepsManifest = image.derived || derived.descriptor.digest === where
  return lossesAt('docker-archive', [
    { aspect: 'manifest-digest', where, count: keepsManifest ? 0 : 1 },
    { aspect: 'compression', where, count: compressed },
  ])
}
