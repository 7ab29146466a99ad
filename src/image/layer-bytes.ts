import type { ByteSource } from '../bytes/byte-stream.js'
import { checkRegion } from '../bytes/check-region.js'
import { fileSource } from '../bytes/file-source.js'
import { inflateRegion } from '../bytes/inflate-region.js'
import { sniffCompression, sniffLength } from '../bytes/sniff.js'
import type { SpoolFile } from '../bytes/spool-file.js'
import type { Layer } from './interfaces.js'
import { layerName } from './layer-view.js'
import type { AnySource } from './wrapped-source.js'

/**
 * The uncompressed bytes of a layer, verified, to be read from anywhere. One that lies uncompressed in a file
 * is read there (after one reading that checks it; a store has checked its blobs); a compressed one is
 * inflated once into `spool`. Threads do the work where the layer lies in a file: several may be opened at once.
 */
export const openLayerBytes = async (
  source: AnySource,
  layer: Layer,
  spool: SpoolFile,
): Promise<ByteSource> => {
  const { descriptor, diffId } = layer
  const region = await source.regionOf?.(descriptor.digest)
  if (region === undefined) return spool.append(layer.uncompressed())
  const { passed, ...file } = region
  const options = passed && { onBytes: passed }
  const check = { file, wanted: descriptor, what: layerName(layer) }
  const bytes = fileSource(file)
  const head = await bytes.read({ offset: 0, length: Math.min(sniffLength, bytes.size) })
  if (sniffCompression(head) !== 'none' || descriptor.digest !== diffId)
    return spool.fill(output => inflateRegion({ ...check, diffId, output }, options))
  if (source.format !== 'store') await checkRegion(check, options)
  return bytes
}
