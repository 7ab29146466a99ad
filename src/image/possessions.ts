import type { ImageConfig } from '../spec/config.js'
import { isIndexType } from '../spec/media-types.js'
import type { Possession } from './capabilities.js'
import type { PickedImage } from './pick-image.js'

/** What the one image that was picked has besides its files, and what hangs on it. */
export const imagePossessions = ({ tree, image }: PickedImage, where: string): readonly Possession[] => [
  { aspect: 'index', where, count: isIndexType(tree.root.descriptor.mediaType) ? 1 : 0 },
  { aspect: 'platform', where, count: tree.images.length - 1 },
  { aspect: 'artifact', where, count: tree.artifacts.length },
  { aspect: 'layers', where, count: image.layers.length > 1 ? image.layers.length : 0 },
  { aspect: 'history', where, count: image.config.history.length },
  ...configPossessions(image.config, where),
  { aspect: 'name', where, count: tree.root.names.length },
]

/** Each field of a config that says something: `config.Env`, `author` … */
export const configPossessions = ({ config, fields }: ImageConfig, where: string): readonly Possession[] =>
  [
    ...Object.keys(config)
      .filter(field => says(config[field]))
      .map(field => `config.${field}`),
    ...['author', 'comment', 'created'].filter(field => says(fields[field])),
  ]
    .sort()
    .map(what => ({ aspect: 'config', what, where, count: 1 }))

const says = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== '' &&
  value !== false &&
  JSON.stringify(value) !== '{}' &&
  JSON.stringify(value) !== '[]'
