import type { ByteStream } from '../../bytes/byte-stream.js'
import type { FilePart } from '../../bytes/parts.js'
import { threadCount, worthTwoThreads } from '../../bytes/threads.js'
import type { Image, Layer, Tree } from '../../image/interfaces.js'
import { layerPart } from '../../image/layer-part.js'
import type { Descriptor, RawDocument } from '../../spec/descriptor.js'
import { algorithmOf, type Digest, hexOf } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'
import { isForeignLayer } from '../../spec/media-types.js'
import { type ArchiveEntry, archiveTime } from './writer.js'

/** A blob that is to be written: once, however many images share it. */
export interface PlannedBlob {
  readonly digest: Digest
  readonly size: number
  /** Whole seconds: when the oldest image that has it was made; 0 for manifests and indexes. */
  readonly mtime: number
  /** Verified as it is read. */
  open(): ByteStream
  /** The same, where the blob lies in a file: to be copied by threads. */
  part?(): Promise<FilePart | undefined>
}

/** `blobs/sha256/4bce…`, OCI image-spec image-layout.md. */
export const blobPath = (digest: Digest): string => `blobs/${algorithmOf(digest)}/${hexOf(digest)}`

/**
 * Every blob of these trees, by digest. What a source does not hold and need not (a foreign layer, a part of
 * an artifact) is left out; a missing layer of an image ends the writing in BLOB_MISSING. Throws
 * SIZE_MISMATCH when two descriptors give one digest different sizes: one of the documents must be wrong.
 */
export const planBlobs = async (trees: readonly Tree[]): Promise<readonly PlannedBlob[]> => {
  const blobs = new Map<Digest, PlannedBlob>()
  const add = (blob: PlannedBlob): void => {
    const earlier = blobs.get(blob.digest)
    if (earlier !== undefined && earlier.size !== blob.size)
      throw new LadingError(
        'SIZE_MISMATCH',
        `Ambiguous size of blob ${blob.digest}: one document says ${earlier.size} bytes, another ${blob.size}`,
        { data: { digest: blob.digest, sizes: [earlier.size, blob.size] } },
      )
    blobs.set(blob.digest, earlier ? { ...earlier, mtime: Math.min(earlier.mtime, blob.mtime) } : blob)
  }
  const addDocument = ({ bytes, descriptor: { digest } }: RawDocument, mtime = 0): void =>
    add({
      ...{ digest, size: bytes.length, mtime },
      async *open() {
        yield bytes
      },
    })
  for (const tree of trees) {
    for (const index of tree.indexes) addDocument(index)
    for (const image of tree.images) {
      const mtime = archiveTime(image.config.created)
      addDocument(image.manifest)
      addDocument(image.configDocument, mtime)
      for (const layer of image.layers)
        if (await isHeld(tree, layer))
          add({
            ...{ ...layer.descriptor, mtime, open: () => layer.stored() },
            part: () => layerPart(tree.source, layer),
          })
    }
    for (const { manifest, blobs: parts } of tree.artifacts) {
      if (manifest) addDocument(manifest)
      for (const part of parts) if (await tree.source.hasBlob(part.digest)) add(artifactBlob(tree, part))
    }
  }
  return shareOne([...blobs.values()])
}

/** Of the large ones, the one that would be left over, with a thread looking on, is shared by two. */
const shareOne = (blobs: readonly PlannedBlob[]): readonly PlannedBlob[] => {
  const large = blobs.filter(({ size, part }) => part && size >= worthTwoThreads)
  const [first] = large.sort((a, b) => b.size - a.size)
  if (first === undefined || large.length % threadCount !== 1) return blobs
  const part = async () => {
    const given = await first.part!()
    return given?.check && { ...given, check: { ...given.check, shared: true } }
  }
  return blobs.map(blob => (blob === first ? { ...first, part } : blob))
}

const artifactBlob = (tree: Tree, descriptor: Descriptor): PlannedBlob => ({
  ...{ digest: descriptor.digest, size: descriptor.size, mtime: 0 },
  open: () => tree.source.openBlob(descriptor),
})

/** Whether there are bytes to be written: a foreign layer may be absent, and then its URLs are all there is. */
export const isHeld = async (tree: Tree, { descriptor }: Layer): Promise<boolean> =>
  !isForeignLayer(descriptor.mediaType) || (await tree.source.hasBlob(descriptor.digest))

/** Whether every layer is stored as the bytes that its DiffID names. */
export const isUncompressed = ({ layers }: Image): boolean =>
  layers.every(layer => layer.descriptor.digest === layer.diffId)

/** `blobs/`, the folders of its algorithms, and the blobs. */
export const blobEntries = (blobs: readonly PlannedBlob[]): readonly ArchiveEntry[] => {
  const algorithms = new Set(['sha256', ...blobs.map(({ digest }) => algorithmOf(digest))])
  const folders = ['blobs/', ...[...algorithms].map(algorithm => `blobs/${algorithm}/`)]
  return [
    ...folders.map((name): ArchiveEntry => ({ name, type: 'directory', mtime: 0 })),
    ...blobs.map(
      ({ digest, size, mtime, open, part }): ArchiveEntry => ({
        ...{ name: blobPath(digest), type: 'file', size, mtime, open },
        ...(part && { part }),
      }),
    ),
  ]
}
