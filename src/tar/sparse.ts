/**
 * Where the holes of a sparse file are: old GNU (in the header and in blocks behind it), PAX 0.0 (a record a
 * number), 0.1 (one record), 1.0 (at the head of the data). A map is bounded before anything is allocated for
 * it (CVE-2025-58183), and must be in order, without overlap, inside the file, and add up to what is stored.
 */
import { LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { PaxRecord, SparseRegion } from './entry.js'
import { badTar, readCount, readDecimal } from './numbers.js'

/** The regions in `count` slots of 24 bytes at `start` of an old GNU header or extension block; a blank slot ends them. */
export const readOldRegions = (
  block: Uint8Array,
  start: number,
  count: number,
  offset: number,
): SparseRegion[] => {
  const regions: SparseRegion[] = []
  for (let slot = start; slot < start + count * 24; slot += 24) {
    if (block[slot] === 0) break
    regions.push({
      offset: readCount(block, slot, slot + 12, 'sparse offset', offset),
      length: readCount(block, slot + 12, slot + 24, 'sparse length', offset),
    })
  }
  return regions
}

/** The regions that PAX records tell, 0.0 or 0.1; undefined where they tell none. */
export const readPaxRegions = (records: readonly PaxRecord[], offset: number): SparseRegion[] | undefined => {
  const map = records.findLast(({ key }) => key === 'GNU.sparse.map')
  const numbers = map
    ? map.value.length === 0
      ? []
      : map.value.toString('latin1').split(',')
    : records
        .filter(({ key }) => key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes')
        .map(({ value }) => value.toString('latin1'))
  if (map === undefined && numbers.length === 0) return undefined
  return pairs(
    numbers.map(text => readDecimal(text, 'a number of the sparse map', offset)),
    offset,
  )
}

/** Pairs of offset and length. */
export const pairs = (numbers: readonly number[], offset: number): SparseRegion[] => {
  if (numbers.length % 2 !== 0)
    throw badTar(offset, `the sparse map has ${numbers.length} numbers, wanted pairs`)
  const regions: SparseRegion[] = []
  for (let at = 0; at < numbers.length; at += 2)
    regions.push({ offset: numbers[at]!, length: numbers[at + 1]! })
  return regions
}

/** Throws LIMIT_EXCEEDED or BAD_TAR. `size` is the file's logical length, `stored` what the tar holds of it. */
export const checkRegions = (
  regions: readonly SparseRegion[],
  size: number,
  stored: number,
  offset: number,
): void => {
  if (regions.length > limits.sparseRegions)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Bad tar header at offset ${offset}: more than ${limits.sparseRegions} sparse regions`,
    )
  let end = 0
  let sum = 0
  for (const region of regions) {
    if (region.offset < end || region.offset + region.length > size)
      throw badTar(
        offset,
        `the sparse region of ${region.length} bytes at ${region.offset} overlaps or leaves the file of ${size} bytes`,
      )
    end = region.offset + region.length
    sum += region.length
  }
  if (sum !== stored) throw badTar(offset, `the sparse map tells of ${sum} bytes, the tar stores ${stored}`)
}
