import { platformOf } from '../image/narrow.js'
import { loadTree } from '../image/view.js'
import type { Digest } from '../spec/digest.js'
import type { Platform } from '../spec/platform.js'
import type { Reference } from '../spec/reference.js'
import type { Store } from '../store/store.js'

/** What the store has under one digest. */
export interface StoredImage {
  readonly names: readonly Reference[]
  /** Of the manifest or index. */
  readonly digest: Digest
  /** Image IDs (config digests), one a platform. */
  readonly ids: readonly Digest[]
  readonly platforms: readonly Platform[]
  readonly created?: string
  /** Bytes of all layers as stored, those that images share counted for each. */
  readonly size: number
}

/** Every image of the store, newest first. */
export const images = async (store: Store): Promise<readonly StoredImage[]> => {
  await using source = store.source()
  const found: StoredImage[] = []
  for (const root of await source.roots()) {
    const tree = await loadTree(source, root)
    const created = tree.images
      .map(({ config }) => config.created ?? '')
      .sort()
      .at(-1)
    const layers = tree.images.flatMap(({ layers }) => layers)
    found.push({
      names: root.names,
      digest: root.descriptor.digest,
      ids: tree.images.map(({ configDocument }) => configDocument.descriptor.digest),
      platforms: tree.images.map(platformOf),
      ...(created && { created }),
      size: layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    })
  }
  return found.sort(
    (a, b) => (b.created ?? '').localeCompare(a.created ?? '') || (a.digest < b.digest ? -1 : 1),
  )
}
