import { createHash } from 'node:crypto'
import type { Digest } from './digest.js'

/**
 * The ChainID of each layer, base first: the identity of a layer on top of those below it. OCI image-spec
 * config.md "Layer ChainID": the first is the DiffID, the next sha256 of `<ChainID> <DiffID>`.
 */
export const chainIds = (diffIds: readonly Digest[]): readonly Digest[] => {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(
      below === undefined
        ? diffId
        : `sha256:${createHash('sha256').update(`${below} ${diffId}`).digest('hex')}`,
    )
  }
  return chain
}
