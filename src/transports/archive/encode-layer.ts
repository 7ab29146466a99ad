import type { ByteStream, FileRange } from '../../bytes/byte-stream.js'
import { compress, compressFile } from '../../bytes/compress.js'
import { createHasher, type Hasher } from '../../bytes/hasher.js'
import type { FilePart } from '../../bytes/parts.js'
import type { SpoolFile } from '../../bytes/spool-file.js'
import { sumRegion } from '../../bytes/sum-region.js'
import { worthAThread } from '../../bytes/threads.js'
import { checkDigest, checkSize, verified } from '../../bytes/verified.js'
import { writeParts } from '../../bytes/write-parts.js'
import type { Layer } from '../../image/interfaces.js'
import { layerName } from '../../image/layer-view.js'
import { plainRegion } from '../../image/plain-layer.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { algorithmOf } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'

/** How the layers are to be stored. Levels: gzip 0–9 (6 if absent), zstd 1–19 (3 if absent). */
export interface LayerCompression {
  readonly algorithm: 'none' | 'gzip' | 'zstd'
  readonly level?: number
}

/** A layer as it is stored anew. */
export interface StoredLayer extends Pick<Layer, 'descriptor' | 'stored'> {
  /** Where its bytes lie. */
  readonly file?: FileRange
}

/**
 * Encode a layer into a file of its own in `spool`. One that lies uncompressed in a file is read there by threads;
 * it is verified by a reading of its own, and the two readings must have had the same bytes.
 */
export const encodeLayer = async (
  source: AnySource,
  layer: Layer,
  mediaType: string,
  { algorithm, level }: LayerCompression,
  spool: Promise<SpoolFile>,
): Promise<StoredLayer> => {
  if (algorithm === 'none') {
    const { size } = await layer.toc()
    return { descriptor: { mediaType, digest: layer.diffId, size }, stored: () => layer.uncompressed() }
  }
  const region = algorithm === 'gzip' ? await regionToEncode(source, layer) : undefined
  const encoded = region
    ? encodeInPlace(region, layer, level)
    : compress(layer.uncompressed(), { algorithm, ...(level !== undefined && { level }) })
  const hasher = createHasher()
  const bytes = await (await spool).fill(fd => writeParts(fd, hashed(encoded, hasher)))
  const descriptor = { mediaType, digest: hasher.digest(), size: bytes.size }
  return {
    descriptor,
    stored: () => verified(bytes.stream(), descriptor, layerName({ ...layer, descriptor })),
    ...(bytes.file && { file: bytes.file }),
  }
}

/** One that is worth threads, and whose one digest is that of its content. */
const regionToEncode = async (source: AnySource, layer: Layer): Promise<FilePart | undefined> => {
  const { digest, size } = layer.descriptor
  if (size < worthAThread || digest !== layer.diffId || algorithmOf(digest) !== 'sha256') return undefined
  return plainRegion(source, layer)
}

async function* encodeInPlace(
  { passed, ...file }: FilePart,
  layer: Layer,
  level: number | undefined,
): ByteStream {
  const what = layerName(layer)
  const { digest, size } = layer.descriptor
  checkSize(file.length, size, what)
  const summing = sumRegion(file, passed && { onBytes: passed })
  let crc: number | undefined
  try {
    yield* compressFile(file, level, found => {
      crc = found
    })
  } finally {
    await Promise.allSettled([summing])
  }
  const sums = await summing
  checkDigest(sums.digest, digest, what)
  if (sums.crc !== crc)
    throw new LadingError('DIGEST_MISMATCH', `Wrong content in ${what}: it was changed while it was read`)
}

async function* hashed(stream: ByteStream, hasher: Hasher): ByteStream {
  for await (const chunk of stream) {
    hasher.update(chunk)
    yield chunk
  }
}
