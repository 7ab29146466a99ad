import stringify from 'fast-json-stable-stringify'
import type { JsonValue } from './json.js'

/** A document of our own: keys sorted, no spaces, UTF-8. The same value gives the same bytes. */
export const canonicalJson = (value: unknown): Buffer => Buffer.from(stringify(value))

/**
 * As Go's encoding/json writes it, which is what docker hashed: no spaces, keys in the order given, `<`, `>`,
 * `&`, U+2028 and U+2029 escaped so that the text may stand in HTML, and no short escape for \b and \f.
 */
export const goJson = (value: JsonValue): string =>
  JSON.stringify(value).replace(/\\.|[<>&\u2028\u2029]/g, match => {
    if (match === '\\b') return '\\u0008'
    if (match === '\\f') return '\\u000c'
    return match.startsWith('\\') ? match : `\\u${match.charCodeAt(0).toString(16).padStart(4, '0')}`
  })

/** goJson with the keys of the outermost object sorted, as Go writes a map. */
export const goJsonMap = (object: Readonly<Record<string, JsonValue | undefined>>): string => {
  const keys = Object.keys(object).filter(key => object[key] !== undefined)
  return `{${keys
    .sort(byBytes)
    .map(key => `${goJson(key)}:${goJson(object[key]!)}`)
    .join(',')}}`
}

/** The order of Go's sorted map keys: by UTF-8 bytes. */
export const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
