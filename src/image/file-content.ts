import type { ByteStream } from '../bytes/byte-stream.js'
import { fileSource } from '../bytes/file-source.js'
import { settleAll } from '../bytes/settle-all.js'
import { sideBySide } from '../bytes/side-by-side.js'
import { slice } from '../bytes/slice.js'
import type { SpoolFile } from '../bytes/spool-file.js'
import { StopFlag } from '../bytes/threads.js'
import { type Contents, contentsIn, storedFromStream } from '../layer/content.js'
import type { TarEntry } from '../tar/entry.js'
import type { FileBacked, Image, Layer } from './interfaces.js'
import { beginLayerBytes, openLayerBytes } from './layer-bytes.js'
import { plainRegion } from './plain-layer.js'
import type { AnySource } from './wrapped-source.js'

/**
 * The contents of an image's files, one at a time. Where a layer lies uncompressed in a file, just those bytes
 * are read; otherwise the layer is inflated up to there. A part of a blob cannot be checked against its digest:
 * `verify` does that for the whole.
 */
export const imageContents = (source: Partial<FileBacked>, image: Image): Contents => ({
  stored: ({ layer, entry }) => openStored(source, image.layers[layer]!, entry),
})

/** The same, for reading all of them: every layer is verified first, and compressed ones inflated into `spool`. */
export const verifiedContents = async (
  source: AnySource,
  image: Image,
  spool: SpoolFile,
): Promise<Contents> => {
  return contentsIn(await sideBySide(image.layers, layer => openLayerBytes(source, layer, spool)))
}

/** Contents that may be read before it is known whether the layers are those that they should be. */
export interface UnverifiedContents {
  readonly contents: Contents
  /** Throws DIGEST_MISMATCH and the like. What holds the layers stays open until it is settled. */
  readonly verified: Promise<unknown>
  /** Raised when either has failed: then the other need not go on. */
  readonly stop: StopFlag
}

/** For who reads all of them and can take back what came of it: uncompressed layers are verified meanwhile. */
export const contentsToVerify = async (
  source: AnySource,
  image: Image,
  spool: SpoolFile,
): Promise<UnverifiedContents> => {
  const stop = new StopFlag()
  const checks: Promise<void>[] = []
  try {
    const layers = await sideBySide(image.layers, async layer => {
      const { bytes, verified } = await beginLayerBytes(source, layer, spool, stop)
      // It is thrown when somebody waits for all.
      verified.catch(() => {})
      checks.push(verified)
      return bytes
    })
    const verified = settleAll(checks, stop)
    verified.catch(() => {})
    return { contents: contentsIn(layers), verified, stop }
  } catch (error) {
    stop.raise()
    await Promise.allSettled(checks)
    throw error
  }
}

async function* openStored(source: Partial<FileBacked>, layer: Layer, entry: TarEntry): ByteStream {
  const region = await plainRegion(source, layer)
  const range = { offset: entry.dataOffset, length: entry.storedSize }
  if (region !== undefined) yield* slice(fileSource(region), range).stream()
  else yield* storedFromStream(layer.uncompressed(), entry)
}
