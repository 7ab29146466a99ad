import { digestOf } from '../bytes/hasher.js'
import type { Root, Tree } from '../image/interfaces.js'
import { loadTree } from '../image/view.js'
import { type AnySource, wrapSource } from '../image/wrapped-source.js'
import { deriveManifest } from '../spec/derived-manifest.js'
import type { Descriptor } from '../spec/descriptor.js'
import { mediaTypes } from '../spec/media-types.js'
import type { Reference } from '../spec/reference.js'
import type { BlobTable } from '../transports/archive/blob-table.js'

export interface JoinedImage {
  /** Its own bytes. */
  readonly config: Buffer
  /** Base first; in the source or in the table. */
  readonly layers: readonly Pick<Descriptor, 'mediaType' | 'digest' | 'size'>[]
  readonly names: readonly Reference[]
}

/** An image whose layers are partly those of `source`, partly new in `table`, where its documents go. */
export const joinImage = (
  source: AnySource,
  table: BlobTable,
  { config, layers, names }: JoinedImage,
): Promise<Tree> => {
  const descriptor = { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length }
  const manifest = deriveManifest(descriptor, layers)
  table.addDocument({ bytes: config, descriptor })
  table.addDocument(manifest)
  return joinTree(source, table, { descriptor: manifest.descriptor, names, origin: 'derived' })
}

/** What hangs on `root`, out of both. */
export const joinTree = (source: AnySource, table: BlobTable, root: Root): Promise<Tree> =>
  loadTree(joinSources(source, table, [root]), root)

/** Both as one source, with these roots alone. Disposing of it disposes of `source`. */
export const joinSources = (source: AnySource, table: BlobTable, roots: readonly Root[]): AnySource =>
  wrapSource(source, {
    roots: async () => roots,
    hasBlob: async digest => (await table.hasBlob(digest)) || source.hasBlob(digest),
    openBlob: (blob, options) => openFrom(table, source, blob, options),
    // The source's own know nothing of what is in the table.
    regionOf: async digest =>
      (await table.hasBlob(digest)) ? table.regionOf(digest) : source.regionOf?.(digest),
    tocOf: async diffId => (await table.tocOf(diffId)) ?? source.tocOf?.(diffId),
    measurementOf: async digest => (await table.measurementOf(digest)) ?? source.measurementOf?.(digest),
  })

async function* openFrom(
  table: BlobTable,
  source: AnySource,
  ...[blob, options]: Parameters<AnySource['openBlob']>
) {
  yield* ((await table.hasBlob(blob.digest)) ? table : source).openBlob(blob, options)
}
