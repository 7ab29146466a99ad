import type { ByteStream } from '../bytes/byte-stream.js'
import { fileSource } from '../bytes/file-source.js'
import { sniffCompression, sniffLength } from '../bytes/sniff.js'
import { contentFrom, contentFromStream } from '../layer/content.js'
import type { TarEntry } from '../tar/entry.js'
import type { FileBacked, Layer } from './interfaces.js'

/**
 * The content of a file of a layer. Where the layer lies uncompressed in a file, just those bytes are read;
 * otherwise the layer is inflated up to there. A part of a blob cannot be checked against its digest: `verify`
 * does that for the whole.
 */
export async function* openFileContent(
  source: Partial<FileBacked>,
  layer: Layer,
  entry: TarEntry,
): ByteStream {
  const region = await source.regionOf?.(layer.descriptor.digest)
  if (region !== undefined) {
    const bytes = fileSource(region)
    const head = await bytes.read({ offset: 0, length: Math.min(sniffLength, bytes.size) })
    if (sniffCompression(head) === 'none') return yield* contentFrom(bytes, entry)
  }
  yield* contentFromStream(layer.uncompressed(), entry)
}
