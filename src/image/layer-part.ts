import type { FilePart } from '../bytes/parts.js'
import type { FileBacked, Layer } from './interfaces.js'
import { layerName } from './layer-view.js'

/** The stored bytes of a layer where they lie in a file, to be copied by threads and checked on the way. */
export const layerPart = async (source: Partial<FileBacked>, layer: Layer): Promise<FilePart | undefined> => {
  const { digest, size } = layer.descriptor
  const region = await source.regionOf?.(digest)
  return region && { ...region, check: { wanted: { digest, size }, what: layerName(layer) } }
}
