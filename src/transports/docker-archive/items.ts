import { LadingError } from '../../spec/errors.js'
import { field, fieldsOf, optionalString, stringList } from '../../spec/fields.js'
import { isObject, type JsonObject, parseJson } from '../../spec/json.js'
import { limits } from '../../spec/limits.js'
import type { Archive } from '../archive/archive.js'

/** An item of manifest.json: an image, by the names of its files in the archive. */
export interface ManifestItem {
  readonly config: string
  readonly repoTags: readonly string[]
  /** Base first. */
  readonly layers: readonly string[]
  /** DiffID → descriptor; of foreign layers only up to Docker 24, of all since 25. */
  readonly layerSources: JsonObject
}

/** Read manifest.json. Throws BAD_DOCUMENT for null, which Docker ≥ 25 refuses too; an empty list is no images. */
export const readManifestItems = async (archive: Archive): Promise<readonly ManifestItem[]> => {
  const what = `manifest.json of ${archive.place}`
  const value = parseJson(await archive.document('manifest.json'), { what, maxBytes: limits.archiveDocument })
  if (!Array.isArray(value))
    throw new LadingError(
      'BAD_DOCUMENT',
      `Bad ${what}: found ${value === null ? 'null' : typeof value}, wanted a list of images (it may be empty: [])`,
    )
  return value.map((item, index) => {
    const fields = fieldsOf(item, `item ${index} of ${what}`)
    const sources = field(fields, 'LayerSources')
    return {
      config: optionalString(fields, 'Config') ?? '',
      repoTags: stringList(fields, 'RepoTags'),
      layers: stringList(fields, 'Layers'),
      layerSources: isObject(sources) ? sources : {},
    }
  })
}
