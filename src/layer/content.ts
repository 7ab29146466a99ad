import type { ByteSource, ByteStream } from '../bytes/byte-stream.js'
import { slice } from '../bytes/slice.js'
import { StreamReader } from '../bytes/stream-reader.js'
import type { TarEntry } from '../tar/entry.js'

/** The content of a file entry, its holes filled with zeros, out of the uncompressed layer as a source. */
export const contentFrom = (layer: ByteSource, entry: TarEntry): ByteStream => {
  const { dataOffset, storedSize } = entry
  return fillHoles(slice(layer, { offset: dataOffset, length: storedSize }).stream(), entry)
}

/** The same out of the uncompressed layer as a stream: everything before the entry is passed over. */
export async function* contentFromStream(layer: ByteStream, entry: TarEntry): ByteStream {
  const reader = new StreamReader(layer)
  try {
    await reader.skip(entry.dataOffset)
    yield* fillHoles(reader.pass(entry.storedSize), entry)
  } finally {
    await reader.close()
  }
}

const zeros = Buffer.alloc(64 * 1024)

/** Stored bytes spread to where they belong in the file. */
export async function* fillHoles(
  stored: ByteStream,
  { sparse, size }: Pick<TarEntry, 'sparse' | 'size'>,
): ByteStream {
  if (sparse === undefined) return yield* stored
  const reader = new StreamReader(stored)
  let at = 0
  for (const region of [...sparse, { offset: size, length: 0 }]) {
    while (at < region.offset) {
      const piece = zeros.subarray(0, region.offset - at)
      yield piece
      at += piece.length
    }
    yield* reader.pass(region.length)
    at += region.length
  }
}
