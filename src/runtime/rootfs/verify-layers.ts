import { checkRegion } from '../../bytes/check-region.js'
import { drain } from '../../bytes/collect.js'
import type { JobOptions } from '../../bytes/threads.js'
import { layerName } from '../../image/layer-view.js'
import type { ImageToRun } from './prepare.js'

/**
 * Read the layers of an image against its digests: those that prepareRootfs has only looked at, in threads, so
 * that it can go on beside a container that runs from them. Throws DIGEST_MISMATCH and the like.
 */
export const verifyLayers = async (
  { source, image }: ImageToRun,
  options: JobOptions = {},
): Promise<void> => {
  if (source.format === 'store') return
  for (const layer of image.layers) {
    const region = await source.regionOf?.(layer.descriptor.digest)
    if (region === undefined || layer.descriptor.digest !== layer.diffId) await drain(layer.uncompressed())
    else {
      const { fd, offset, length } = region
      const file = { fd, offset, length }
      await checkRegion({ file, wanted: layer.descriptor, what: layerName(layer) }, options)
    }
  }
}
