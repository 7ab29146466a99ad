import { collect } from '../bytes/collect.js'
import type { Root } from '../image/interfaces.js'
import type { Descriptor } from '../spec/descriptor.js'
import type { Digest } from '../spec/digest.js'
import { during } from '../spec/errors.js'
import { parseIndex } from '../spec/image-index.js'
import { limits } from '../spec/limits.js'
import { parseManifest } from '../spec/manifest.js'
import { isIndexType, isManifestType } from '../spec/media-types.js'
import { hasBlob, openBlob } from './blobs.js'
import type { StorePlaces } from './places.js'

export interface Reached {
  readonly descriptor: Descriptor
  /** The documents on the way to it, the root first. */
  readonly path: readonly Descriptor[]
}

/**
 * Everything that hangs on a root, the root included, whether it is there or not. A document that is there
 * and cannot be read is an error: whoever sweeps by this must not sweep in doubt.
 */
export async function* references(places: StorePlaces, root: Root): AsyncGenerator<Reached> {
  const visited = new Set<Digest>()
  const pending: Reached[] = [{ descriptor: root.descriptor, path: [] }]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { descriptor, path } = next
    if (visited.has(descriptor.digest)) continue
    visited.add(descriptor.digest)
    yield next
    const index = isIndexType(descriptor.mediaType)
    if ((!index && !isManifestType(descriptor.mediaType)) || !(await hasBlob(places, descriptor.digest)))
      continue
    try {
      const what = `document ${descriptor.digest}`
      const bytes = await collect(openBlob(places, descriptor), { max: limits.manifest, what })
      const below = index
        ? parseIndex({ bytes, descriptor }).manifests
        : [parseManifest({ bytes, descriptor })].flatMap(({ config, layers }) => [config, ...layers])
      pending.push(...below.map(child => ({ descriptor: child, path: [...path, descriptor] })))
    } catch (error) {
      throw during(`Cannot follow ${descriptor.digest} in the store`, error)
    }
  }
}

/** The digests of everything that hangs on `roots`. */
export const reachable = async (places: StorePlaces, roots: readonly Root[]): Promise<Set<Digest>> => {
  const found = new Set<Digest>()
  for (const root of roots)
    for await (const { descriptor } of references(places, root)) found.add(descriptor.digest)
  return found
}
