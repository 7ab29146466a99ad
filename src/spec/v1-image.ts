import { goJsonMap } from './canonical-json.js'
import type { Digest } from './digest.js'
import { LadingError } from './errors.js'
import { type Fields, fieldsOf, optionalString } from './fields.js'
import { isObject, type JsonValue, parseJson } from './json.js'
import { limits } from './limits.js'
import { goTime, v1Struct } from './v1-struct.js'

/** A layer of an archive of before Docker 1.10. */
export interface V1Image {
  readonly id: string
  /** Absent for the base. */
  readonly parent?: string
  readonly fields: Fields
}

/** Read `<id>/json`. IDs become paths in other tools, so they are 64 hex digits or an error (CVE-2014-9356). */
export const parseV1Image = (bytes: Uint8Array, what: string): V1Image => {
  const fields = fieldsOf(parseJson(bytes, { what, maxBytes: limits.config }), what)
  const id = optionalString(fields, 'id') ?? ''
  const parent = optionalString(fields, 'parent') || undefined
  for (const found of [id, ...(parent === undefined ? [] : [parent])])
    if (!/^[0-9a-f]{64}$/.test(found))
      throw new LadingError(
        'BAD_DOCUMENT',
        `Bad image ID in ${what}: found ${JSON.stringify(found)}, wanted 64 hex digits`,
      )
  return { id, fields, ...(parent !== undefined && { parent }) }
}

/**
 * The config that `docker load` makes of such an image, so that the image ID is docker's own (moby
 * image/v1/imagev1.go, MakeConfigFromV1Config and HistoryFromConfig): the topmost document without what
 * belonged to the old store, with rootfs and history, keys sorted. A document of before Docker 1.8.3 goes
 * through the struct first, which drops what the struct does not know. `chain` is base first.
 */
export const configFromV1 = (
  chain: readonly { readonly image: V1Image; readonly diffId: Digest }[],
): Buffer => {
  const top = chain.at(-1)!.image.fields.object
  const old = versionBelow(typeof top.docker_version === 'string' ? top.docker_version : '', [1, 8, 3])
  const {
    id: _id,
    parent: _parent,
    Size: _size,
    parent_id: _p,
    layer_id: _l,
    throwaway: _t,
    ...kept
  } = old ? v1Struct(top) : top
  return Buffer.from(
    goJsonMap({
      ...kept,
      rootfs: { type: 'layers', diff_ids: chain.map(({ diffId }) => diffId) },
      history: chain.map(({ image }) => historyOf(image)),
    }),
  )
}

const historyOf = ({ fields: { object } }: V1Image): JsonValue => {
  const made = isObject(object.container_config) ? object.container_config.Cmd : undefined
  const createdBy = Array.isArray(made) ? made.join(' ') : typeof made === 'string' ? made : ''
  const text = (key: string, value: JsonValue | undefined) =>
    typeof value === 'string' && value !== '' ? { [key]: value } : {}
  return {
    created: goTime(object.created),
    ...text('author', object.author),
    ...text('created_by', createdBy),
    ...text('comment', object.comment),
  }
}

const versionBelow = (version: string, than: readonly number[]): boolean => {
  const parts = version.split(/[.-]/).map(part => Number.parseInt(part, 10) || 0)
  for (const [index, wanted] of than.entries()) {
    const have = parts[index] ?? 0
    if (have !== wanted) return have < wanted
  }
  return false
}
