import { LadingError } from '../spec/errors.js'
import type { LayerCompression } from '../transports/open-sink.js'

/** `none`, `gzip[:LEVEL]` or `zstd[:LEVEL]` of a --compress option. Throws USAGE. */
export const readCompression = (text: string): LayerCompression => {
  const [, algorithm, level] = /^(none|gzip|zstd)(?::(\d{1,2}))?$/.exec(text) ?? []
  if (algorithm === undefined || (algorithm === 'none' && level !== undefined))
    throw new LadingError(
      'USAGE',
      `Bad --compress ${JSON.stringify(text)}: wanted none, gzip[:LEVEL] or zstd[:LEVEL]`,
    )
  return {
    algorithm: algorithm as LayerCompression['algorithm'],
    ...(level !== undefined && { level: Number(level) }),
  }
}
