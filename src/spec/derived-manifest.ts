import { createHash } from 'node:crypto'
import type { Descriptor, RawDocument } from './descriptor.js'
import { mediaTypes } from './media-types.js'

/**
 * The manifest of an image whose archive has none: what moby ≥ 25 writes for it in `docker save`
 * (image/tarexport/save.go), field for field, so that the digest is the one a newer docker would give.
 */
export const deriveManifest = (
  config: Pick<Descriptor, 'digest' | 'size'>,
  layers: readonly Pick<Descriptor, 'mediaType' | 'digest' | 'size'>[],
): RawDocument => {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.size },
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
  )
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}` as const
  return { bytes, descriptor: { mediaType: mediaTypes.ociManifest, digest, size: bytes.length } }
}
