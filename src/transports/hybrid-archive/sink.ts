import type { ImageSink, Layer } from '../../image/interfaces.js'
import { hexOf } from '../../spec/digest.js'
import { isForeignLayer, mediaTypes } from '../../spec/media-types.js'
import { blobEntries, blobPath, isUncompressed, planBlobs } from '../archive/blob-plan.js'
import { type BundleOptions, bundleSink } from '../archive/bundle.js'
import {
  type DockerImage,
  dockerImages,
  type ManifestItem,
  manifestJson,
  repositoriesJson,
  repoTags,
} from '../archive/docker-documents.js'
import { layoutEntries } from '../archive/layout-index.js'
import type { Output } from '../archive/output.js'
import { documentEntry } from '../archive/writer.js'

/**
 * The file that is both: an OCI layout with every document byte for byte and every layer as it was stored,
 * and a docker archive (manifest.json, repositories) over the same blobs. `docker save` writes this since
 * Docker 25; every Docker since 1.10, podman, skopeo, umoci and containerd open it. Of an index the docker
 * half shows one platform's image; the OCI half has them all.
 */
export const hybridArchiveSink = (output: Output, options: BundleOptions): ImageSink =>
  bundleSink(output, options, async trees => {
    const shown = dockerImages(trees, options.platform)
    const repositories = repositoriesJson(
      shown.map(({ image, names }) => ({ names, top: topLayer(image.layers) })),
    )
    return {
      entries: [
        ...blobEntries(await planBlobs(trees)),
        ...layoutEntries(trees),
        documentEntry('manifest.json', manifestJson(shown.map(manifestItem))),
        ...(repositories ? [documentEntry('repositories', repositories)] : []),
      ],
      losses: [],
    }
  })

const topLayer = (layers: readonly Layer[]): string | undefined => {
  const top = layers.at(-1)
  return top && hexOf(top.diffId)
}

const manifestItem = ({ image, names }: DockerImage): ManifestItem => ({
  Config: blobPath(image.configDocument.descriptor.digest),
  RepoTags: repoTags(names),
  Layers: image.layers.map(layer => blobPath(layer.descriptor.digest)),
  // Moby writes it where all layers are as it stores them; elsewhere some readers would take it for a list of foreign layers.
  ...(image.layers.length > 0 && isUncompressed(image) && { LayerSources: layerSources(image.layers) }),
})

const layerSources = (layers: readonly Layer[]): NonNullable<ManifestItem['LayerSources']> =>
  Object.fromEntries(
    layers.map(({ diffId, descriptor: { mediaType, size, digest } }) => [
      diffId,
      { mediaType: isForeignLayer(mediaType) ? mediaType : mediaTypes.ociLayer, size, digest },
    ]),
  )
