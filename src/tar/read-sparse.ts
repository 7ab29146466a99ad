import { LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { SparseRegion } from './entry.js'
import { blockSize, type Header } from './header.js'
import { badTar, readCount, readDecimal } from './numbers.js'
import type { TarAnswer, TarRequest } from './protocol.js'
import { type Records, recordNumber, recordValue } from './records.js'
import { pairs, readOldRegions, readPaxRegions } from './sparse.js'
import { truncated } from './truncated.js'

/** What the reader must know of a sparse file before its content. */
export interface SparseMap {
  readonly regions: readonly SparseRegion[]
  /** Logical length of the file. */
  readonly size: number
  /** Bytes that the map takes between the header and the content, and how many of them the size counts. */
  readonly headerBytes: number
  readonly dataBytes: number
}

/** The map of the entry at hand, in whichever form it has one; undefined for an ordinary file. */
export function* readSparse(
  header: Header,
  block: Buffer,
  records: Records,
  offset: number,
  stored: number,
): Generator<TarRequest, SparseMap | undefined, TarAnswer> {
  if (header.typeflag === 'S' && header.dialect === 'gnu') return yield* readOldSparse(block, offset)
  const realSize =
    recordNumber(records, 'GNU.sparse.realsize', offset) ?? recordNumber(records, 'GNU.sparse.size', offset)
  const version = [recordValue(records, 'GNU.sparse.major'), recordValue(records, 'GNU.sparse.minor')].join(
    '.',
  )
  // Of a version that is none of these the map may be anywhere: to guess would be to make up content.
  if (!['.', '0.0', '0.1', '1.0'].includes(version))
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot read the sparse file at offset ${offset - blockSize}: its map is of version ${JSON.stringify(version)}`,
    )
  if (version === '1.0') {
    if (stored === 0) throw badTar(offset - blockSize, 'a sparse map where there is no content')
    const { regions, length } = yield* readDataMap(offset, stored)
    if (realSize === undefined) throw badTar(offset - blockSize, 'a sparse file without GNU.sparse.realsize')
    return { regions, size: realSize, headerBytes: length, dataBytes: length }
  }
  const regions = readPaxRegions(records.ordered, offset - blockSize)
  if (regions === undefined) {
    if (header.typeflag === 'S')
      throw new LadingError(
        'UNSUPPORTED',
        `Cannot read the sparse file at offset ${offset - blockSize}: its map is in no known form`,
      )
    return undefined
  }
  if (realSize === undefined) throw badTar(offset - blockSize, 'a sparse file without GNU.sparse.size')
  return { regions, size: realSize, headerBytes: 0, dataBytes: 0 }
}

/** Four regions in the header, then blocks of twenty-one while the flag says so. */
function* readOldSparse(block: Buffer, offset: number): Generator<TarRequest, SparseMap, TarAnswer> {
  const regions = readOldRegions(block, 386, 4, offset - blockSize)
  const size = readCount(block, 483, 495, 'real size', offset - blockSize)
  let headerBytes = 0
  for (let more = block[482] !== 0; more; ) {
    const extension = yield { skip: 0, take: blockSize }
    if (typeof extension === 'number' || extension.length < blockSize)
      throw truncated('inside a sparse map', offset + headerBytes, offset + headerBytes + blockSize)
    headerBytes += blockSize
    regions.push(...readOldRegions(extension, 0, 21, offset))
    checkCount(regions.length, offset)
    more = extension[504] !== 0
  }
  return { regions, size, headerBytes, dataBytes: 0 }
}

/** PAX 1.0: decimal numbers, one a line, at the head of the content, in whole blocks. */
function* readDataMap(
  offset: number,
  stored: number,
): Generator<TarRequest, { regions: SparseRegion[]; length: number }, TarAnswer> {
  const numbers: number[] = []
  let text = ''
  let length = 0
  for (let wanted = 1; numbers.length < wanted; ) {
    const block = length < stored ? yield { skip: 0, take: blockSize } : 0
    if (typeof block === 'number' || block.length < blockSize)
      throw truncated('inside a sparse map', offset + length, offset + stored)
    length += blockSize
    const lines = (text + block.toString('latin1')).split('\n')
    text = lines.pop()!
    if (text.length > blockSize) throw badTar(offset - blockSize, 'a number of the sparse map does not end')
    for (const line of lines) {
      if (numbers.length === wanted) break
      numbers.push(readDecimal(line, 'a number of the sparse map', offset - blockSize))
      if (numbers.length === 1) {
        checkCount(numbers[0]!, offset)
        wanted = 1 + 2 * numbers[0]!
      }
    }
  }
  return { regions: pairs(numbers.slice(1), offset - blockSize), length }
}

const checkCount = (count: number, offset: number): void => {
  if (count > limits.sparseRegions)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Bad tar header at offset ${offset - blockSize}: more than ${limits.sparseRegions} sparse regions`,
    )
}
