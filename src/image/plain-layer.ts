import { isPlain } from '../bytes/is-plain.js'
import type { FilePart } from '../bytes/parts.js'
import type { FileBacked, Layer } from './interfaces.js'

/** Where a layer lies in a file, not compressed; undefined where it does not. Nothing is verified. */
export const plainRegion = async (
  source: Partial<FileBacked>,
  { descriptor }: Pick<Layer, 'descriptor'>,
): Promise<Omit<FilePart, 'check'> | undefined> => {
  const region = await source.regionOf?.(descriptor.digest)
  return region && isPlain(region) ? region : undefined
}
