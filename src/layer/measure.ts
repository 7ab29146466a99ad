import type { ByteStream } from '../bytes/byte-stream.js'
import { decompressOnce } from '../bytes/decompress.js'
import { createHasher } from '../bytes/hasher.js'
import type { Compression } from '../bytes/sniff.js'
import type { Digest } from '../spec/digest.js'
import { limits } from '../spec/limits.js'
import { LayerScan, type ScannedLayer } from './layer-scan.js'

/** What one reading of a layer's blob tells. */
export interface MeasuredLayer extends ScannedLayer {
  /** Of the blob as stored; `size` in bytes. */
  readonly digest: Digest
  readonly size: number
  readonly compression: Compression
  /** Of the uncompressed bytes, all of them: what stands behind the end of the tar counts (moby does the same). */
  readonly diffId: Digest
  readonly uncompressedSize: number
}

/**
 * Read a layer once: digest of what is stored, DiffID, Toc. `tap` is given each stored chunk first, and
 * waited for: a writer. Throws what is wrong with the compression or the tar; `what` names the layer.
 */
export const measureLayer = async (
  stored: ByteStream,
  what: string,
  tap?: (chunk: Uint8Array) => Promise<void>,
): Promise<MeasuredLayer> => {
  const blob = createHasher()
  let size = 0
  async function* tapped(): ByteStream {
    for await (const chunk of stored) {
      blob.update(chunk)
      size += chunk.length
      await tap?.(chunk)
      yield chunk
    }
  }
  const { stream, compression } = await decompressOnce(tapped(), { what, maxBytes: limits.uncompressedLayer })
  const inner = compression === 'none' ? undefined : createHasher()
  const scan = new LayerScan(what)
  let uncompressedSize = 0
  for await (const chunk of stream) {
    inner?.update(chunk)
    uncompressedSize += chunk.length
    scan.push(chunk)
  }
  const scanned = scan.finish(uncompressedSize)
  const digest = blob.digest()
  const diffId = inner ? inner.digest() : digest
  return { digest, size, compression, uncompressedSize, ...scanned, diffId }
}
