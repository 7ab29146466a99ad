import type { FileRange } from '../../bytes/byte-stream.js'
import { digestOf } from '../../bytes/hasher.js'
import { sideBySide } from '../../bytes/side-by-side.js'
import { type Compression, sniffCompression } from '../../bytes/sniff.js'
import { openSpoolFile } from '../../bytes/spool-file.js'
import type { Image, Layer, Tree } from '../../image/interfaces.js'
import type { Loss } from '../../image/loss.js'
import { type AnySource, wrapSource } from '../../image/wrapped-source.js'
import { canonicalJson } from '../../spec/canonical-json.js'
import type { Descriptor, RawDocument } from '../../spec/descriptor.js'
import type { Digest } from '../../spec/digest.js'
import { parseIndex } from '../../spec/image-index.js'
import { isObject, type JsonObject, type JsonValue, parseJson } from '../../spec/json.js'
import { limits } from '../../spec/limits.js'
import { isForeignLayer, mediaTypes, withEncoding } from '../../spec/media-types.js'
import { encodeLayer, type LayerCompression, type StoredLayer } from './encode-layer.js'

export type { LayerCompression }

export interface Recompressor extends AsyncDisposable {
  /** The tree with its layers stored anew and all else as it was; its new blobs live until disposal. */
  tree(tree: Tree): Promise<{ tree: Tree; losses: readonly Loss[] }>
}

/**
 * Re-encodes the layers of trees. What names a layer must then be written anew as well: manifests and indexes
 * are made from the old ones with only those descriptors replaced, unknown fields kept. Image IDs and DiffIDs
 * stay. A layer that is already stored so is kept as it is, unless a level is asked for; so is a foreign one.
 * Compressed layers wait in a temporary file, because a tar wants to know their size before their bytes.
 */
export const openRecompressor = (wanted: LayerCompression): Recompressor => {
  const spool = openSpoolFile()
  // An error is thrown where the file is first needed.
  spool.catch(() => {})
  const done = new Map<string, Promise<StoredLayer>>()

  const store = (source: AnySource, layer: Layer): Promise<StoredLayer> => {
    // Images of both families may share a layer: the same bytes under different types.
    const mediaType = withEncoding(layer.descriptor.mediaType || mediaTypes.ociLayer, wanted.algorithm)
    const key = `${layer.diffId} ${mediaType}`
    const known = done.get(key)
    if (known) return known
    const made = encodeLayer(source, layer, mediaType, wanted, spool)
    done.set(key, made)
    return made
  }
  const regions = new Map<Digest, FileRange>()
  /** The source of a tree, which has the new blobs too. */
  const withBlobs = (source: AnySource): AnySource =>
    wrapSource(source, { regionOf: async digest => regions.get(digest) ?? source.regionOf?.(digest) })
  return {
    tree: async tree => {
      const replaced = new Map<Digest, Descriptor>()
      const images: Image[] = []
      const losses: Loss[] = []
      for (const image of tree.images) {
        const layers = await sideBySide(image.layers, async layer => {
          if (await isStored(layer, wanted)) return layer
          const { file, ...stored } = await store(tree.source, layer)
          if (file) regions.set(stored.descriptor.digest, file)
          return { ...layer, ...stored }
        })
        const manifest = rewriteManifest(image, layers)
        const { digest } = image.manifest.descriptor
        if (manifest.descriptor.digest !== digest) {
          replaced.set(digest, manifest.descriptor)
          if (!image.derived) losses.push(lossOf(digest, 'its layers were stored anew'))
        }
        images.push({ ...image, layers, manifest, descriptor: manifest.descriptor })
      }
      const indexes = rewriteIndexes(tree, replaced)
      for (const index of tree.indexes)
        if (replaced.has(index.descriptor.digest))
          losses.push(
            lossOf(index.descriptor.digest, 'it is an index of images whose layers were stored anew'),
          )
      const descriptor = replacedBy(tree.root.descriptor, replaced)
      const document = [...indexes, ...images.map(image => image.manifest)].find(
        candidate => candidate.descriptor.digest === descriptor.digest,
      )
      return {
        tree: {
          ...tree,
          source: withBlobs(tree.source),
          root: { ...tree.root, descriptor },
          document: document ?? tree.document,
          indexes,
          images,
        },
        losses,
      }
    },
    [Symbol.asyncDispose]: async () => (await spool)[Symbol.asyncDispose](),
  }
}

const lossOf = (where: Digest, why: string): Loss => ({
  ...{ what: 'manifest-digest', where, why, count: 1 },
  remedy: 'Save without --compress to keep it',
})

const isStored = async (layer: Layer, { algorithm, level }: LayerCompression): Promise<boolean> => {
  if (isForeignLayer(layer.descriptor.mediaType)) return true
  if (algorithm === 'none') return layer.descriptor.digest === layer.diffId
  return level === undefined && (await encodingOf(layer)) === algorithm
}

/** As the bytes have it: a media type may be wrong. */
const encodingOf = async (layer: Layer): Promise<Compression> => {
  for await (const chunk of layer.stored()) return sniffCompression(Buffer.from(chunk))
  return 'none'
}

/** Annotations that describe the old encoding: where eStargz and zstd:chunked keep their tables. */
const ofEncoding =
  /^(?:containerd\.io\/snapshot\/stargz\/|io\.github\.containers\.zstd-chunked\.|io\.containers\.estargz\.)/

const rewriteManifest = ({ manifest, layers: old }: Image, layers: readonly Layer[]): RawDocument => {
  if (layers.every((layer, index) => layer.descriptor.digest === old[index]!.descriptor.digest))
    return manifest
  const fields = objectOf(manifest)
  // Docker's own family has no zstd: such an image becomes OCI as a whole.
  const toOci =
    manifest.descriptor.mediaType === mediaTypes.dockerManifest &&
    layers.some(layer => layer.descriptor.mediaType.startsWith(mediaTypes.ociLayer))
  const items = fields.layers as readonly JsonObject[]
  return documentOf(toOci ? mediaTypes.ociManifest : manifest.descriptor.mediaType, {
    ...fields,
    ...(toOci && {
      mediaType: mediaTypes.ociManifest,
      config: { ...(fields.config as JsonObject), mediaType: mediaTypes.ociConfig },
    }),
    layers: items.map((item, index) => {
      const { descriptor } = layers[index]!
      return descriptor.digest === old[index]!.descriptor.digest ? item : replaceDescriptor(item, descriptor)
    }),
  })
}

/** The indexes of a tree with what was replaced below them, the innermost first; their own changes join `replaced`. */
const rewriteIndexes = (tree: Tree, replaced: Map<Digest, Descriptor>): readonly RawDocument[] => {
  const byDigest = new Map(tree.indexes.map(index => [index.descriptor.digest, index]))
  const done = new Map<Digest, RawDocument>()
  const rewrite = (index: RawDocument): RawDocument => {
    const { digest, mediaType } = index.descriptor
    const known = done.get(digest)
    if (known) return known
    const { manifests } = parseIndex(index)
    for (const child of manifests) {
      const below = byDigest.get(child.digest)
      if (below && below !== index) rewrite(below)
    }
    let made = index
    if (manifests.some(child => replaced.has(child.digest))) {
      const fields = objectOf(index)
      const items = (fields.manifests as readonly JsonObject[]).map(item => {
        const anew = replaced.get(item.digest as Digest)
        return rewriteReference(anew ? replaceDescriptor(item, anew) : item, replaced)
      })
      made = documentOf(mediaType, { ...fields, manifests: items })
      replaced.set(digest, made.descriptor)
    }
    done.set(digest, made)
    return made
  }
  return tree.indexes.map(rewrite)
}

const attested = 'vnd.docker.reference.digest'

/** BuildKit's attestations say by digest which image of the index they are of. */
const rewriteReference = (item: JsonObject, replaced: ReadonlyMap<Digest, Descriptor>): JsonObject => {
  if (!isObject(item.annotations)) return item
  const anew = replaced.get(item.annotations[attested] as Digest)
  return anew ? { ...item, annotations: { ...item.annotations, [attested]: anew.digest } } : item
}

const replacedBy = (descriptor: Descriptor, replaced: ReadonlyMap<Digest, Descriptor>): Descriptor => {
  const anew = replaced.get(descriptor.digest)
  if (anew === undefined) return descriptor
  const { data: _, ...kept } = descriptor
  return { ...kept, mediaType: anew.mediaType, digest: anew.digest, size: anew.size }
}

const replaceDescriptor = (item: JsonObject, { mediaType, digest, size }: Descriptor): JsonObject => {
  const { data: _data, annotations, ...kept } = item
  const notes = isObject(annotations)
    ? Object.entries(annotations).filter(([key]) => !ofEncoding.test(key))
    : []
  return {
    ...kept,
    mediaType,
    digest,
    size,
    ...(notes.length > 0 && { annotations: Object.fromEntries(notes) }),
  }
}

const objectOf = ({ bytes, descriptor }: RawDocument): JsonObject =>
  parseJson(bytes, { what: `document ${descriptor.digest}`, maxBytes: limits.manifest }) as JsonObject

const documentOf = (mediaType: string, fields: Readonly<Record<string, JsonValue>>): RawDocument => {
  const bytes = canonicalJson(fields)
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } }
}
