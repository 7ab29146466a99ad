import type { Descriptor, RawDocument } from './descriptor.js'
import { shortDigest } from './digest.js'
import { LadingError } from './errors.js'
import { type Fields, field, fieldsOf, list, optionalString, optionalStringMap } from './fields.js'
import { parseJson } from './json.js'
import { limits } from './limits.js'
import { isIndexType, isManifestType, mediaTypes } from './media-types.js'
import { readDescriptor } from './read-descriptor.js'

/** OCI image-spec manifest.md; Docker's schema 2 has the same fields. */
export interface Manifest {
  readonly mediaType: string
  readonly config: Descriptor
  /** Base layer first. */
  readonly layers: readonly Descriptor[]
  readonly subject?: Descriptor
  readonly artifactType?: string
  readonly annotations?: Readonly<Record<string, string>>
}

/** Throws BAD_DOCUMENT, BAD_DIGEST or LIMIT_EXCEEDED. */
export const parseManifest = (document: RawDocument): Manifest => {
  const where = `manifest ${shortDigest(document.descriptor.digest)}…`
  const fields = readDocumentFields(document, where)
  const layers = list(fields, 'layers')
  if (layers.length > limits.layersPerImage)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Bad ${where}: ${layers.length} layers, at most ${limits.layersPerImage} are allowed`,
    )
  const artifactType = optionalString(fields, 'artifactType')
  const annotations = optionalStringMap(fields, 'annotations')
  const subject = field(fields, 'subject')
  return {
    mediaType: optionalString(fields, 'mediaType') ?? document.descriptor.mediaType,
    config: readDescriptor(field(fields, 'config'), `config descriptor of ${where}`),
    layers: layers.map((layer, index) => readDescriptor(layer, `layer ${index + 1} of ${where}`)),
    ...(subject !== undefined && { subject: readDescriptor(subject, `subject of ${where}`) }),
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations !== undefined && { annotations }),
  }
}

/**
 * The fields of a manifest or an index, after the checks that both need: schema version 2, a media type that
 * is the descriptor's own, and not both `manifests` and `layers`, which one reader takes for an index and
 * another for an image (CVE-2021-41190).
 */
export const readDocumentFields = (document: RawDocument, where: string): Fields => {
  const fields = fieldsOf(parseJson(document.bytes, { what: where, maxBytes: limits.manifest }), where)
  const version = field(fields, 'schemaVersion')
  if (version !== 2)
    throw new LadingError(
      version === 1 ? 'UNSUPPORTED' : 'BAD_DOCUMENT',
      `Bad ${where}: schemaVersion is ${JSON.stringify(version) ?? 'absent'}, wanted 2`,
      { data: { found: version } },
    )
  if (
    field(fields, 'manifests') !== undefined &&
    (field(fields, 'layers') ?? field(fields, 'config')) !== undefined
  )
    throw new LadingError(
      'BAD_DOCUMENT',
      `Ambiguous ${where}: it has both "manifests" and "layers" or "config"`,
    )
  const inside = optionalString(fields, 'mediaType')
  const outside = document.descriptor.mediaType
  if (inside !== undefined && outside !== '' && inside !== outside)
    throw new LadingError(
      'BAD_DOCUMENT',
      `Ambiguous ${where}: it calls itself ${JSON.stringify(inside)}, its descriptor ${JSON.stringify(outside)}`,
      { data: { found: inside, wanted: outside } },
    )
  return fields
}

/** The media type of a document whose descriptor does not say: its own word, else its shape. '' if neither tells. */
export const sniffMediaType = (bytes: Uint8Array): string => {
  const fields = fieldsOf(parseJson(bytes, { what: 'document', maxBytes: limits.manifest }), 'document')
  const claimed = optionalString(fields, 'mediaType') ?? ''
  if (isManifestType(claimed) || isIndexType(claimed)) return claimed
  if (field(fields, 'manifests') !== undefined) return mediaTypes.ociIndex
  return field(fields, 'layers') !== undefined && field(fields, 'config') !== undefined
    ? mediaTypes.ociManifest
    : claimed
}
