/**
 * Where the content of a file is, in chunks of one size a file. A file that lies whole in its layer is one chunk,
 * large enough for all of it; one with holes has chunks as large as its regions allow. What does not begin at
 * a block in its layer (sparse files of some dialects), or would take too long a list, is carried: copied
 * behind the metadata, into the image.
 */
import type { TarEntry } from '../../../tar/entry.js'
import { blockSize } from './format.js'

/** Where a layer begins. */
export interface LayerStart {
  /** Number of the device, 1 for the first. */
  readonly device: number
  readonly block: number
}

export interface Chunks {
  /** The chunk size is blockSize << bits. */
  readonly bits: number
  readonly count: number
  /** Chunks that are no holes, in their order; `block` on the layer's device. */
  readonly filled: readonly { readonly chunk: number; readonly block: number }[]
}

/** Of a carried file: the chunks that have data in them, in their order. */
export interface CarriedChunks {
  readonly bits: number
  readonly count: number
  readonly filled: readonly number[]
}

export type Placement = { readonly chunks: Chunks } | { readonly carried: CarriedChunks }

type FileEntry = Pick<TarEntry, 'size' | 'sparse' | 'dataOffset' | 'storedSize'>

/** Longest list of chunks: half a megabyte. */
const mostChunks = 65_536

/** Of a file that is not empty. Without `start`, the layer is no device's: its files are carried. */
export const placeContent = (entry: FileEntry, start: LayerStart | undefined): Placement => {
  const { size, sparse, dataOffset } = entry
  if (start !== undefined && dataOffset % blockSize === 0) {
    const block = start.block + dataOffset / blockSize
    if (sparse === undefined)
      return { chunks: { bits: bitsFor(size), count: 1, filled: [{ chunk: 0, block }] } }
    const chunks = sparseChunks(entry, block)
    if (chunks !== undefined) return { chunks }
  }
  return { carried: carriedChunks(entry) }
}

/** The least number of bits that makes a chunk of at least `size` bytes. */
const bitsFor = (size: number): number => {
  const blocks = Math.ceil(size / blockSize)
  return blocks <= 1 ? 0 : 32 - Math.clz32(blocks - 1)
}

const sparseChunks = ({ size, sparse = [] }: FileEntry, block: number): Chunks | undefined => {
  const regions = sparse.filter(({ length }) => length > 0)
  let bits = bitsFor(size)
  const align = (value: number): void => {
    while (bits >= 0 && value % (blockSize * 2 ** bits) !== 0) bits--
  }
  for (const { offset, length } of regions) {
    align(offset)
    if (offset + length < size) align(length)
  }
  if (bits < 0) return undefined
  const chunkSize = blockSize * 2 ** bits
  const count = Math.ceil(size / chunkSize)
  if (count > mostChunks) return undefined
  const filled: { chunk: number; block: number }[] = []
  let at = block
  for (const { offset, length } of regions) {
    for (let done = 0; done < length; done += chunkSize)
      filled.push({ chunk: (offset + done) / chunkSize, block: at + done / blockSize })
    at += length / blockSize
  }
  return { bits, count, filled }
}

const carriedChunks = ({ size, sparse = [{ offset: 0, length: size }] }: FileEntry): CarriedChunks => {
  const bits = Math.max(3, bitsFor(size / mostChunks))
  const chunkSize = blockSize * 2 ** bits
  const filled = new Set<number>()
  for (const { offset, length } of sparse)
    for (let at = offset; at < offset + length; at = (Math.floor(at / chunkSize) + 1) * chunkSize)
      filled.add(Math.floor(at / chunkSize))
  return { bits, count: Math.ceil(size / chunkSize), filled: [...filled] }
}
