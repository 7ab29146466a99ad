/**
 * Checked reading of the fields of a document. Go's JSON reader takes `Layers` for `layers`; a document that
 * has both means one thing to docker and another to everybody else, so a twin that differs only in case is
 * refused wherever a known field is read. (Labels and annotations are maps, not fields: there it is legal.)
 */
import { type Digest, parseDigest } from './digest.js'
import { LadingError } from './errors.js'
import { isObject, type JsonObject, type JsonValue } from './json.js'

/** An object of a document, with the words that lead to it. */
export interface Fields {
  readonly object: JsonObject
  /** `manifest sha256:…`, `config of manifest.json item 0`. */
  readonly where: string
}

const describe = (value: JsonValue | undefined): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

export const badField = (
  where: string,
  name: string,
  value: JsonValue | undefined,
  wanted: string,
): LadingError =>
  new LadingError(
    'BAD_DOCUMENT',
    `Bad field ${JSON.stringify(name)} in ${where}: found ${describe(value)}, wanted ${wanted}`,
    {
      data: { where, field: name, wanted },
    },
  )

/** Throws BAD_DOCUMENT unless `value` is an object. */
export const fieldsOf = (value: JsonValue | undefined, where: string): Fields => {
  if (isObject(value)) return { object: value, where }
  throw new LadingError('BAD_DOCUMENT', `Bad ${where}: found ${describe(value)}, wanted an object`, {
    data: { where },
  })
}

/** The field's value; null counts as absent, as it does to Go. */
export const field = ({ object, where }: Fields, name: string): JsonValue | undefined => {
  const twin = Object.keys(object).find(key => key !== name && key.toLowerCase() === name.toLowerCase())
  if (twin !== undefined && name in object)
    throw new LadingError(
      'BAD_DOCUMENT',
      `Ambiguous ${where}: it has both ${JSON.stringify(name)} and ${JSON.stringify(twin)}, which some readers take for one field`,
      { data: { where, fields: [name, twin] } },
    )
  return object[name] ?? undefined
}

export const optionalString = (fields: Fields, name: string): string | undefined => {
  const value = field(fields, name)
  if (value === undefined || typeof value === 'string') return value
  throw badField(fields.where, name, value, 'a string')
}

export const requiredString = (fields: Fields, name: string): string => {
  const value = optionalString(fields, name)
  if (value !== undefined) return value
  throw badField(fields.where, name, value, 'a string')
}

/** A whole number from 0 to 2⁵³−1: sizes and counts. */
export const requiredCount = (fields: Fields, name: string): number => {
  const value = field(fields, name)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw badField(fields.where, name, value, 'a whole number that is not negative')
}

export const requiredDigest = (fields: Fields, name: string): Digest =>
  parseDigest(field(fields, name), `field ${JSON.stringify(name)} in ${fields.where}`)

/** An absent list is an empty one. */
export const list = (fields: Fields, name: string): readonly JsonValue[] => {
  const value = field(fields, name) ?? []
  if (Array.isArray(value)) return value
  throw badField(fields.where, name, value, 'a list')
}

export const stringList = (fields: Fields, name: string): readonly string[] =>
  list(fields, name).map((item, index) => {
    if (typeof item === 'string') return item
    throw badField(fields.where, `${name}[${index}]`, item, 'a string')
  })

/** A map of strings, without a prototype. */
export const optionalStringMap = (
  fields: Fields,
  name: string,
): Readonly<Record<string, string>> | undefined => {
  const value = field(fields, name)
  if (value === undefined) return undefined
  if (!isObject(value)) throw badField(fields.where, name, value, 'an object of strings')
  for (const [key, item] of Object.entries(value))
    if (typeof item !== 'string') throw badField(fields.where, `${name}.${key}`, item, 'a string')
  return value as Readonly<Record<string, string>>
}
