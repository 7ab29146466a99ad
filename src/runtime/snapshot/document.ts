/**
 * What a snapshot says of its container besides files: one JSON document, the config of an artifact. It comes from
 * elsewhere when it is read, so every value that is acted on is checked, field by field.
 */
import type { Descriptor } from '../../spec/descriptor.js'
import { LadingError } from '../../spec/errors.js'
import { type Fields, field, fieldsOf, list, requiredString } from '../../spec/fields.js'
import { type JsonValue, parseJson } from '../../spec/json.js'
import { limits } from '../../spec/limits.js'
import { readDescriptor } from '../../spec/read-descriptor.js'
import type { ContainerSettings } from '../settings.js'
import { readSettings } from './read-settings.js'

export const artifactType = 'application/vnd.lading.container.v1'
export const documentType = 'application/vnd.lading.container.v1+json'

export interface SnapshotDocument {
  /** As the container was made, with its ID and name. */
  readonly settings: ContainerSettings
  /** RFC 3339. */
  readonly taken: string
  /** What it was doing: running, paused, exited, created. */
  readonly status: string
  /** The image that it was made of: its manifest, and where the archive has them its layers. */
  readonly base: Descriptor
  /** The layer with what it has changed; absent where that is nothing. */
  readonly changes?: Descriptor
  /** Layers with the files of volumes. */
  readonly volumes: readonly { readonly volume: string; readonly layer: Descriptor }[]
}

const version = 1

export const documentBytes = (document: SnapshotDocument): Buffer =>
  Buffer.from(JSON.stringify({ version, ...document }))

/** Throws BAD_DOCUMENT, and UNSUPPORTED for a later version. */
export const readDocument = (bytes: Uint8Array): SnapshotDocument => {
  const where = 'the description of the container'
  const fields = fieldsOf(parseJson(bytes, { what: where, maxBytes: limits.config }), where)
  if (field(fields, 'version') !== version)
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot read ${where}: it is of version ${JSON.stringify(field(fields, 'version'))}, this is for version ${version}`,
    )
  const changes = field(fields, 'changes')
  return {
    settings: readSettings(field(fields, 'settings'), `the settings in ${where}`),
    taken: requiredString(fields, 'taken'),
    status: requiredString(fields, 'status'),
    base: readDescriptor(field(fields, 'base'), `base of ${where}`),
    ...(changes !== undefined && { changes: readDescriptor(changes, `changes of ${where}`) }),
    volumes: list(fields, 'volumes').map((item, index) => readVolume(item, `volume ${index} of ${where}`)),
  }
}

const readVolume = (value: JsonValue, where: string): SnapshotDocument['volumes'][number] => {
  const fields: Fields = fieldsOf(value, where)
  return {
    volume: requiredString(fields, 'volume'),
    layer: readDescriptor(field(fields, 'layer'), where),
  }
}
