import { canonicalJson } from './canonical-json.js'
import type { Descriptor, RawDocument } from './descriptor.js'
import { shortDigest } from './digest.js'
import { list, optionalString, optionalStringMap } from './fields.js'
import { readDocumentFields } from './manifest.js'
import { mediaTypes } from './media-types.js'
import { readDescriptor } from './read-descriptor.js'

/** OCI image-spec image-index.md; Docker's manifest list has the same fields. */
export interface ImageIndex {
  readonly mediaType: string
  readonly manifests: readonly Descriptor[]
  readonly annotations?: Readonly<Record<string, string>>
}

/** Throws BAD_DOCUMENT or BAD_DIGEST. `where` is for messages. */
export const parseIndex = (
  document: RawDocument,
  where = `index ${shortDigest(document.descriptor.digest)}…`,
): ImageIndex => {
  const fields = readDocumentFields(document, where)
  const annotations = optionalStringMap(fields, 'annotations')
  return {
    mediaType: optionalString(fields, 'mediaType') ?? document.descriptor.mediaType,
    manifests: list(fields, 'manifests').map((item, place) =>
      readDescriptor(item, `entry ${place} of ${where}`),
    ),
    ...(annotations !== undefined && { annotations }),
  }
}

/** The index.json that we write. */
export const indexJson = (manifests: readonly Descriptor[]): Buffer =>
  canonicalJson({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests })
