import { visible } from '../spec/escape.js'
import type { EntryType, Timestamp } from '../tar/entry.js'

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** Decimal units and three digits that count, as docker prints: 1.23MB. */
export const formatSize = (bytes: number): string => {
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))}${units[unit]}`
}

const ages: readonly (readonly [seconds: number, name: string])[] = [
  [365 * 86_400, 'year'],
  [30 * 86_400, 'month'],
  [7 * 86_400, 'week'],
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
]

/** "3 weeks ago"; '' for no time, and what stood there where it is none. */
export const formatAge = (created: string | undefined, now = Date.now()): string => {
  if (created === undefined) return ''
  const seconds = Math.floor((now - Date.parse(created)) / 1000)
  if (Number.isNaN(seconds)) return visible(created)
  const [length, name] = ages.find(([length]) => seconds >= length) ?? [1, 'second']
  const count = Math.max(0, Math.floor(seconds / length))
  return `${count} ${name}${count === 1 ? '' : 's'} ago`
}

const typeLetters: Readonly<Record<EntryType, string>> = {
  ...{ file: '-', hardlink: 'h', symlink: 'l', directory: 'd', fifo: 'p' },
  ...{ 'character-device': 'c', 'block-device': 'b' },
}

/** `drwxr-xr-t` */
export const formatMode = (type: EntryType, mode: number): string => {
  const letter = (bit: number, plain: string, special: number, set: string) =>
    mode & special ? (mode & bit ? set : set.toUpperCase()) : mode & bit ? plain : '-'
  const three = (shift: number, special: number, set: string) =>
    (mode & (4 << shift) ? 'r' : '-') +
    (mode & (2 << shift) ? 'w' : '-') +
    letter(1 << shift, 'x', special, set)
  return typeLetters[type] + three(6, 0o4000, 's') + three(3, 0o2000, 's') + three(0, 0o1000, 't')
}

/** UTC, whole seconds; the number of seconds where a calendar does not reach. */
export const formatTime = ({ seconds }: Timestamp): string => {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? `@${seconds}` : date.toISOString().slice(0, 19).replace('T', ' ')
}

/** 12 hex digits of a digest, as docker shows an ID. */
export const shortId = (digest: string): string => digest.replace(/^sha\d+:/, '').slice(0, 12)
