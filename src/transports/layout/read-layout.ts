import { digestOf } from '../../bytes/hasher.js'
import type { Root } from '../../image/interfaces.js'
import { rootsOf } from '../../image/layout-index.js'
import type { Descriptor } from '../../spec/descriptor.js'
import { parseIndex } from '../../spec/image-index.js'
import { checkLayout } from '../../spec/layout.js'
import { sniffMediaType } from '../../spec/manifest.js'
import { mediaTypes } from '../../spec/media-types.js'

/** How a layout's files are read, whatever holds them. */
export interface LayoutFiles {
  readonly place: string
  /** Throws BLOB_MISSING. */
  document(name: string): Promise<Buffer>
}

/** The roots of an OCI layout. Throws UNSUPPORTED for a layout of another version, BAD_DOCUMENT for a bad index. */
export const readLayout = async (files: LayoutFiles): Promise<readonly Root[]> => {
  checkLayout(await files.document('oci-layout'))
  const bytes = await files.document('index.json')
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length }
  const { manifests } = parseIndex(
    { bytes, descriptor: { ...descriptor, mediaType: '' } },
    `index.json of ${files.place}`,
  )
  return rootsOf(await Promise.all(manifests.map(manifest => withMediaType(files, manifest))))
}

/** Some writers leave a descriptor's media type out; the document tells. */
const withMediaType = async (files: LayoutFiles, descriptor: Descriptor): Promise<Descriptor> => {
  if (descriptor.mediaType !== '') return descriptor
  const [algorithm, hex] = descriptor.digest.split(':')
  return { ...descriptor, mediaType: sniffMediaType(await files.document(`blobs/${algorithm}/${hex}`)) }
}
