import type { ByteStream } from '../bytes/byte-stream.js'
import type { Toc } from '../layer/toc.js'
import { type Digest, shortDigest } from '../spec/digest.js'
import { during, LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { BlobSource, FileBacked, Layer, TocKeeper } from './interfaces.js'

/**
 * A layer of `source`, as its image lists it; nothing is read until it is asked for, nor is what reads it loaded: a container
 * may start without.
 */
export const layerView = (
  source: BlobSource,
  place: Pick<Layer, 'index' | 'count' | 'descriptor' | 'diffId'>,
): Layer => {
  const { descriptor, diffId } = place
  const what = layerName(place)
  async function* stored(): ByteStream {
    try {
      yield* source.openBlob(descriptor)
    } catch (error) {
      throw during(`Cannot read ${what}`, error)
    }
  }
  let toc: Promise<Toc> | undefined
  return {
    ...place,
    stored,
    async *uncompressed() {
      const { decompressOnce } = await import('../bytes/decompress.js')
      const { verified } = await import('../bytes/verified.js')
      const { stream } = await decompressOnce(stored(), {
        what,
        maxBytes: limits.uncompressedLayer,
      })
      yield* verified(stream, { digest: diffId }, `the uncompressed bytes of ${what}`)
    },
    toc: () => {
      toc ??= makeToc(source, place)
      return toc
    },
  }
}

/** `layer 3 of 5 (sha256:4bce…)`: how messages name a layer. */
export const layerName = (layer: Pick<Layer, 'index' | 'count' | 'descriptor'>): string =>
  `layer ${layer.index + 1} of ${layer.count} (${shortDigest(layer.descriptor.digest)}…)`

/** Throws DIGEST_MISMATCH when the bytes that were measured are not those that the config promises. */
export const checkDiffId = (
  layer: Pick<Layer, 'index' | 'count' | 'descriptor' | 'diffId'>,
  found: Digest,
): void => {
  if (found !== layer.diffId)
    throw new LadingError(
      'DIGEST_MISMATCH',
      `Wrong content in ${layerName(layer)}: found DiffID ${found}, wanted ${layer.diffId} as the config says`,
      { data: { layer: layer.index, found, wanted: layer.diffId } },
    )
}

const makeToc = async (
  source: BlobSource & Partial<FileBacked & TocKeeper>,
  layer: Pick<Layer, 'index' | 'count' | 'descriptor' | 'diffId'>,
): Promise<Toc> => {
  const kept = await source.tocOf?.(layer.diffId)
  if (kept) return kept
  const region = await source.regionOf?.(layer.descriptor.digest)
  if (region) {
    const { fileSource } = await import('../bytes/file-source.js')
    const { sniffCompression } = await import('../bytes/sniff.js')
    const { indexLayer } = await import('../layer/index-layer.js')
    const bytes = fileSource(region)
    const head = await bytes.read({ offset: 0, length: Math.min(16, bytes.size) })
    if (sniffCompression(head) === 'none') return indexLayer(bytes)
  }
  const { measureLayer } = await import('../layer/measure.js')
  const measured = await measureLayer(source.openBlob(layer.descriptor), layerName(layer))
  checkDiffId(layer, measured.diffId)
  return measured.toc
}
