import type { Loss, Warning } from '../image/loss.js'
import { visible } from '../spec/escape.js'

/** A line of results. Foreign text in it must have gone through `visible`. */
export const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

/** Many lines in one write: a write each takes longer than finding out what to say. */
export const printLines = (lines: readonly string[]): void => {
  if (lines.length > 0) print(lines.join('\n'))
}

/** One JSON document. JSON.stringify escapes C0 and lone surrogates; what else a terminal might act on is escaped here. */
export const printJson = (value: unknown): void => {
  const text = JSON.stringify(
    value,
    (_, item) => (item instanceof Uint8Array || isBuffer(item) ? textOf(item) : item),
    2,
  )
  print(escapeJson(text))
}

/** JSON as it may be shown: the same value, without what JSON.stringify leaves and a terminal might act on. */
export const escapeJson = (json: string): string =>
  json.replace(
    /[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Buffer has a toJSON of its own, which JSON.stringify calls before anybody else is asked. */
const isBuffer = (value: unknown): value is { type: 'Buffer'; data: number[] } =>
  typeof value === 'object' &&
  value !== null &&
  (value as { type?: unknown }).type === 'Buffer' &&
  Array.isArray((value as { data?: unknown }).data)

const textOf = (value: Uint8Array | { data: number[] }): string =>
  visible(value instanceof Uint8Array ? value : Uint8Array.from(value.data))

export const warn = (message: string): void => {
  process.stderr.write(`lading: ${visible(message)}\n`)
}

export const reportWarnings = (warnings: readonly Warning[]): void => {
  for (const { message } of warnings) warn(`Warning: ${message}`)
}

/** What was lost, in words, on standard error. Nothing lost: no words. */
export const reportLosses = (losses: readonly Loss[]): void => {
  for (const { what, where, why, count, remedy } of losses) {
    const times = count > 1 ? ` (${count} times)` : ''
    warn(`Lost: ${what} of ${where}${times}: ${why}${remedy === undefined ? '' : `. ${remedy}`}`)
  }
}
