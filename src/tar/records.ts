import type { PaxRecord, Timestamp } from './entry.js'
import { blockSize } from './header.js'
import { readDecimal } from './numbers.js'
import { readPaxTime } from './pax.js'

/** PAX records by key, an empty value having deleted what was there; and all of them in order, for sparse 0.0. */
export interface Records extends Map<string, PaxRecord> {
  ordered: readonly PaxRecord[]
}

export const effectiveRecords = (ordered: readonly PaxRecord[]): Records => {
  const map = new Map<string, PaxRecord>() as Records
  map.ordered = ordered
  // An extended attribute may well be empty; it is not a field that can be unset.
  for (const record of ordered)
    if (record.value.length === 0 && !record.key.includes('.xattr.')) map.delete(record.key)
    else map.set(record.key, record)
  return map
}

export const recordValue = (records: Records, key: string): Buffer | undefined => records.get(key)?.value

export const recordNumber = (records: Records, key: string, offset: number): number | undefined => {
  const value = recordValue(records, key)
  return value && readDecimal(value.toString('latin1'), `PAX ${key}`, offset - blockSize)
}

export const recordTime = (records: Records, offset: number): Timestamp | undefined => {
  const value = recordValue(records, 'mtime')
  return value && readPaxTime(value, offset - blockSize)
}
