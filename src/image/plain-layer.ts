import type { FilePart } from '../bytes/parts.js'
import { readNow } from '../bytes/read-now.js'
import { sniffCompression, sniffLength } from '../bytes/sniff.js'
import type { FileBacked, Layer } from './interfaces.js'

/** Where a layer lies in a file, not compressed; undefined where it does not. Nothing is verified. */
export const plainRegion = async (
  source: Partial<FileBacked>,
  { descriptor }: Pick<Layer, 'descriptor'>,
): Promise<Omit<FilePart, 'check'> | undefined> => {
  const region = await source.regionOf?.(descriptor.digest)
  if (region === undefined) return undefined
  const head = Buffer.alloc(Math.min(sniffLength, region.length))
  readNow(region, head, 0)
  return sniffCompression(head) === 'none' ? region : undefined
}
