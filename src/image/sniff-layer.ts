import { fileSource } from '../bytes/file-source.js'
import { type Compression, sniffCompression } from '../bytes/sniff.js'
import { inflateHead } from '../bytes/sync-inflate.js'
import { LadingError } from '../spec/errors.js'
import { layerEncoding } from '../spec/media-types.js'
import { blockSize, isZeroBlock, readHeader } from '../tar/header.js'
import type { FileBacked, Layer } from './interfaces.js'
import { layerName } from './layer-view.js'

/** Enough of a compressed layer for its first block. */
const headLength = 16 * 1024

/**
 * What is odd about a layer by its first block alone, without reading on: an encoding that its media type does
 * not say, content that is no tar. Only where the layer lies in a file; undefined when nothing is.
 */
export const layerOddity = async (source: Partial<FileBacked>, layer: Layer): Promise<string | undefined> => {
  const region = await source.regionOf?.(layer.descriptor.digest)
  if (region === undefined) return undefined
  const bytes = fileSource(region)
  const head = await bytes.read({ offset: 0, length: Math.min(headLength, bytes.size) })
  const found = sniffCompression(head)
  const said = layerEncoding(layer.descriptor.mediaType)
  if (said !== undefined && said !== found)
    return `${layerName(layer)} is ${inWords(found)}, its media type says ${inWords(said)}`
  if (found !== 'none' && found !== 'gzip') return undefined
  const inside = (found === 'gzip' ? inflateHead(head, blockSize) : head).subarray(0, blockSize)
  return isTarBlock(inside) ? undefined : `${layerName(layer)} does not begin like a tar`
}

const inWords = (compression: Compression): string =>
  compression === 'none' ? 'not compressed' : compression

const isTarBlock = (block: Buffer): boolean => {
  if (block.length < blockSize || isZeroBlock(block)) return block.length === 0 || isZeroBlock(block)
  try {
    readHeader(block, 0)
    return true
  } catch (error) {
    if (error instanceof LadingError) return false
    throw error
  }
}
