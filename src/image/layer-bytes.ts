import type { ByteSource } from '../bytes/byte-stream.js'
import { checkRegion } from '../bytes/check-region.js'
import { fileSource } from '../bytes/file-source.js'
import { inflateRegion } from '../bytes/inflate-region.js'
import { isPlain } from '../bytes/is-plain.js'
import type { SpoolFile } from '../bytes/spool-file.js'
import type { StopFlag } from '../bytes/threads.js'
import type { Layer } from './interfaces.js'
import { layerName } from './layer-view.js'
import type { AnySource } from './wrapped-source.js'

/** The uncompressed bytes of a layer, to be read from anywhere. */
export interface LayerBytes {
  readonly bytes: ByteSource
  /** Settled when it is known whether they are those that they should be. */
  readonly verified: Promise<void>
}

/**
 * One that lies uncompressed in a file is read there, and checked by one reading of its own (a store has checked
 * its blobs), which others need not wait for; a compressed one is inflated once into `spool`, and verified then.
 * Threads do the work where the layer lies in a file: several may be opened at once.
 */
export const beginLayerBytes = async (
  source: AnySource,
  layer: Layer,
  spool: SpoolFile,
  stop?: StopFlag,
): Promise<LayerBytes> => {
  const { descriptor, diffId } = layer
  const region = await source.regionOf?.(descriptor.digest)
  if (region === undefined) return { bytes: await spool.append(layer.uncompressed()), verified: done }
  const { passed, ...file } = region
  const options = { ...(passed && { onBytes: passed }), ...(stop && { stop }) }
  const check = { file, wanted: descriptor, what: layerName(layer) }
  if (!isPlain(file) || descriptor.digest !== diffId) {
    const inflated = await spool.fill(output => inflateRegion({ ...check, diffId, output }, options))
    return { bytes: inflated, verified: done }
  }
  return { bytes: fileSource(file), verified: source.format === 'store' ? done : checkRegion(check, options) }
}

const done = Promise.resolve()

/** The same, verified. */
export const openLayerBytes = async (
  source: AnySource,
  layer: Layer,
  spool: SpoolFile,
): Promise<ByteSource> => {
  const { bytes, verified } = await beginLayerBytes(source, layer, spool)
  await verified
  return bytes
}
