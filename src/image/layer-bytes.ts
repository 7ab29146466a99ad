import type { ByteSource } from '../bytes/byte-stream.js'
import { drain } from '../bytes/collect.js'
import { fileSource } from '../bytes/file-source.js'
import { sniffCompression, sniffLength } from '../bytes/sniff.js'
import type { SpoolFile } from '../bytes/spool-file.js'
import type { Layer } from './interfaces.js'
import type { AnySource } from './wrapped-source.js'

/**
 * The uncompressed bytes of a layer, verified, to be read from anywhere. One that lies uncompressed in a file
 * is read there (after one reading that checks it; a store has checked its blobs); a compressed one is
 * inflated once into `spool`.
 */
export const openLayerBytes = async (
  source: AnySource,
  layer: Layer,
  spool: SpoolFile,
): Promise<ByteSource> => {
  const region = await source.regionOf?.(layer.descriptor.digest)
  if (region !== undefined) {
    const bytes = fileSource(region)
    const head = await bytes.read({ offset: 0, length: Math.min(sniffLength, bytes.size) })
    if (sniffCompression(head) === 'none' && layer.descriptor.digest === layer.diffId) {
      if (source.format !== 'store') await drain(layer.stored())
      return bytes
    }
  }
  return spool.append(layer.uncompressed())
}
