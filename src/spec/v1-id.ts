import { createHash } from 'node:crypto'
import { goJsonMap } from './canonical-json.js'
import { chainIds } from './chain-id.js'
import type { ImageConfig } from './config.js'
import type { JsonValue } from './json.js'
import { v1Json, v1Struct } from './v1-struct.js'

/** One layer in the layout of `docker save` up to 24: its folder's name, 64 hex digits, and the `json` in it. */
export interface V1Layer {
  readonly id: string
  readonly json: Buffer
}

/**
 * The v1 layers of an image, base first, bit for bit as moby makes them (image/tarexport/save.go and
 * image/v1/imagev1.go, CreateID): the ID is the sha256 of the v1 document with sorted keys, without `id`,
 * with `layer_id` (the ChainID) and `parent`; all but the top layer have a document that says nothing. The
 * system is put in after the hashing.
 */
export const v1Layers = (config: ImageConfig): readonly V1Layer[] => {
  const chain = chainIds(config.diffIds)
  const { id: _id, parent: _parent, ...top } = v1Struct(config.fields)
  const nothing = v1Struct({ created: '1970-01-01T00:00:00Z' })
  const layers: V1Layer[] = []
  for (const [index, layerId] of chain.entries()) {
    const struct: Record<string, JsonValue> = index === chain.length - 1 ? top : nothing
    const below = layers.at(-1)?.id
    const hashed = { ...struct, layer_id: layerId, ...(below !== undefined && { parent: `sha256:${below}` }) }
    const id = createHash('sha256').update(goJsonMap(hashed)).digest('hex')
    const json = v1Json({
      id,
      ...(below !== undefined && { parent: below }),
      ...struct,
      ...(config.os !== '' && { os: config.os }),
    })
    layers.push({ id, json: Buffer.from(json) })
  }
  return layers
}
