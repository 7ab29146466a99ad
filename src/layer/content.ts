import type { ByteSource, ByteStream, FileRange } from '../bytes/byte-stream.js'
import { slice } from '../bytes/slice.js'
import { StreamReader } from '../bytes/stream-reader.js'
import type { TarEntry } from '../tar/entry.js'

/** The content of a file: the layer that it is in, 0 for the base, and its entry there. */
export interface Content {
  readonly layer: number
  readonly entry: TarEntry
}

/** Where the contents of a tree are read; each as often as it is asked for. */
export interface Contents {
  /** As it is stored: of a sparse file the bytes of its regions, one after the other. */
  stored(content: Content): ByteStream
  /** Optional power: the stored bytes lie in an open file. */
  regionOf?(content: Content): FileRange | undefined
  /** Optional power: the stored bytes, of a small one at least, are read at once into the target, which is as long as they are. */
  fillOf?(content: Content): ((target: Uint8Array) => void) | undefined
  /** Optional power: the whole uncompressed layer lies in an open file, contents where their entries say. */
  layerFile?(layer: number): FileRange | undefined
}

/** Contents out of uncompressed layers, base first. */
export const contentsIn = (layers: readonly ByteSource[]): Contents => ({
  stored: ({ layer, entry: { dataOffset, storedSize } }) =>
    slice(layers[layer]!, { offset: dataOffset, length: storedSize }).stream(),
  regionOf: ({ layer, entry: { dataOffset, storedSize } }) =>
    slice(layers[layer]!, { offset: dataOffset, length: storedSize }).file,
  layerFile: layer => layers[layer]!.file,
})

/** The stored bytes out of the uncompressed layer as a stream: everything before the entry is passed over. */
export async function* storedFromStream(layer: ByteStream, entry: TarEntry): ByteStream {
  const reader = new StreamReader(layer)
  try {
    await reader.skip(entry.dataOffset)
    yield* reader.pass(entry.storedSize)
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

/** The content as a reader of the file sees it. */
export const wholeContent = (contents: Contents, content: Content): ByteStream =>
  fillHoles(contents.stored(content), content.entry)
