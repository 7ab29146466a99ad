import type { Descriptor } from './descriptor.js'
import {
  field,
  fieldsOf,
  optionalString,
  optionalStringMap,
  requiredCount,
  requiredDigest,
  stringList,
} from './fields.js'
import type { JsonValue } from './json.js'
import { readPlatform } from './platform.js'

/**
 * The descriptor that `value` is (OCI image-spec descriptor.md). Strict in what is acted on: digest grammar
 * (CVE-2024-3727), size (negative sizes have been seen in attacks); a media type may be absent, as it is in
 * what some old tools write, and is then ''.
 */
export const readDescriptor = (value: JsonValue | undefined, where: string): Descriptor => {
  const fields = fieldsOf(value, where)
  const urls = stringList(fields, 'urls')
  const annotations = optionalStringMap(fields, 'annotations')
  const artifactType = optionalString(fields, 'artifactType')
  const data = optionalString(fields, 'data')
  const platform = field(fields, 'platform')
  return {
    mediaType: optionalString(fields, 'mediaType') ?? '',
    digest: requiredDigest(fields, 'digest'),
    size: requiredCount(fields, 'size'),
    ...(urls.length > 0 && { urls }),
    ...(annotations !== undefined && { annotations }),
    ...(platform !== undefined && { platform: readPlatform(fieldsOf(platform, `platform of ${where}`)) }),
    ...(artifactType !== undefined && { artifactType }),
    ...(data !== undefined && { data }),
  }
}
