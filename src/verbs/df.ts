import { loadTree } from '../image/view.js'
import type { Digest } from '../spec/digest.js'
import type { Store } from '../store/store.js'

export interface DiskUsage {
  readonly images: number
  readonly layers: number
  /** Bytes of layers, each counted once. */
  readonly layerBytes: number
  /** Of those, bytes of layers that more than one image has. */
  readonly sharedBytes: number
  /** Of those, bytes that prune would free because only images without a name have them. */
  readonly reclaimableBytes: number
}

/** What takes room in the store. */
export const df = async (store: Store): Promise<DiskUsage> => {
  await using source = store.source()
  const layers = new Map<Digest, { size: number; images: number; named: boolean }>()
  let images = 0
  for (const root of await source.roots()) {
    for (const image of (await loadTree(source, root)).images) {
      images++
      for (const { digest, size } of new Map(
        image.layers.map(({ descriptor }) => [descriptor.digest, descriptor]),
      ).values()) {
        const known = layers.get(digest) ?? { size, images: 0, named: false }
        layers.set(digest, { size, images: known.images + 1, named: known.named || root.names.length > 0 })
      }
    }
  }
  const sum = (list: readonly { size: number }[]) => list.reduce((total, { size }) => total + size, 0)
  const all = [...layers.values()]
  return {
    images,
    layers: all.length,
    layerBytes: sum(all),
    sharedBytes: sum(all.filter(({ images }) => images > 1)),
    reclaimableBytes: sum(all.filter(({ named }) => !named)),
  }
}
