import { LadingError } from './errors.js'
import { fieldsOf, optionalString } from './fields.js'
import { parseJson } from './json.js'
import { limits } from './limits.js'

/** The content of `oci-layout` as moby and we write it: one space after the colon. */
export const layoutText = '{"imageLayoutVersion": "1.0.0"}'

/** OCI image-spec image-layout.md: the version must be known. Throws UNSUPPORTED. */
export const checkLayout = (bytes: Uint8Array): void => {
  const version = optionalString(
    fieldsOf(parseJson(bytes, { what: 'oci-layout', maxBytes: limits.archiveDocument }), 'oci-layout'),
    'imageLayoutVersion',
  )
  if (version !== '1.0.0')
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot read this OCI layout: its version is ${JSON.stringify(version) ?? 'absent'}, wanted "1.0.0"`,
    )
}
