import { type Digest, parseDigest } from './digest.js'
import { LadingError } from './errors.js'
import { badField, type Fields, field, fieldsOf, list, optionalString } from './fields.js'
import type { HistoryEntry } from './history.js'
import { type JsonObject, parseJson } from './json.js'
import { limits } from './limits.js'

/** An image config, OCI image-spec config.md and Docker's superset of it. Its bytes are kept elsewhere: they are the image ID. */
export interface ImageConfig {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly created?: string
  readonly author?: string
  readonly comment?: string
  /** What containers inherit: Env, Cmd, Labels … by Docker's field names; unknown fields stay. Empty where absent. */
  readonly config: JsonObject
  /** Base layer first. */
  readonly diffIds: readonly Digest[]
  readonly history: readonly HistoryEntry[]
  /** The whole document. */
  readonly fields: JsonObject
}

/**
 * Read a config. Lenient where real images are (no history, null lists, no architecture), strict in what is
 * acted on: the root file system and its DiffIDs. Throws BAD_DOCUMENT, BAD_DIGEST, LIMIT_EXCEEDED.
 */
export const parseConfig = (bytes: Uint8Array, what: string): ImageConfig => {
  const fields = fieldsOf(parseJson(bytes, { what, maxBytes: limits.config }), what)
  return {
    os: optionalString(fields, 'os') ?? '',
    architecture: optionalString(fields, 'architecture') ?? '',
    ...strings(fields, ['variant', 'os.version', 'created', 'author', 'comment']),
    config: fieldsOf(field(fields, 'config') ?? {}, `"config" of ${what}`).object,
    diffIds: readDiffIds(fields),
    history: list(fields, 'history').map((item, index) =>
      readHistoryEntry(fieldsOf(item, `history entry ${index} of ${what}`)),
    ),
    fields: fields.object,
  }
}

const strings = <Name extends string>(fields: Fields, names: readonly Name[]): { [K in Name]?: string } =>
  Object.fromEntries(
    names
      .map(name => [name, optionalString(fields, name)] as const)
      .filter(([, value]) => value !== undefined),
  ) as { [K in Name]?: string }

const readDiffIds = (fields: Fields): readonly Digest[] => {
  const value = field(fields, 'rootfs')
  if (value === undefined)
    throw new LadingError(
      'BAD_DOCUMENT',
      `Bad ${fields.where}: it has no "rootfs", so it is not the config of an image`,
    )
  const rootfs = fieldsOf(value, `"rootfs" of ${fields.where}`)
  const type = optionalString(rootfs, 'type') ?? 'layers'
  if (type !== 'layers') throw badField(rootfs.where, 'type', type, '"layers"')
  const diffIds = list(rootfs, 'diff_ids')
  if (diffIds.length > limits.layersPerImage)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Bad ${fields.where}: ${diffIds.length} DiffIDs, at most ${limits.layersPerImage} are allowed`,
    )
  return diffIds.map((diffId, index) => parseDigest(diffId, `diff_ids[${index}] of ${fields.where}`))
}

const readHistoryEntry = (fields: Fields): HistoryEntry => {
  const createdBy = optionalString(fields, 'created_by')
  return {
    ...strings(fields, ['created', 'author', 'comment']),
    ...(createdBy !== undefined && { createdBy }),
    emptyLayer: field(fields, 'empty_layer') === true,
  }
}
