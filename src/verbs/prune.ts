import type { Root } from '../image/interfaces.js'
import { loadTree } from '../image/view.js'
import type { Digest } from '../spec/digest.js'
import { parseManifest } from '../spec/manifest.js'
import type { Store } from '../store/store.js'

export interface Pruned {
  /** Images that no name led to. */
  readonly images: readonly Digest[]
  readonly blobs: number
  readonly bytes: number
  /** Of each image that stays, base first. */
  readonly diffIds: readonly (readonly Digest[])[]
}

/** Remove images without a name, and every blob that nothing leads to. What refers to an image that stays (a signature) stays. */
export const prune = async (store: Store): Promise<Pruned> => {
  await using source = store.source()
  const roots = await store.roots()
  const kept = new Set<Digest>()
  const diffIds = new Map<Digest, readonly (readonly Digest[])[]>()
  const unnamed: { root: Root; subjects: readonly Digest[] }[] = []
  for (const root of roots) {
    const tree = await loadTree(source, root)
    diffIds.set(root.descriptor.digest, tree.images.map(({ config }) => config.diffIds))
    if (root.names.length > 0)
      for (const { descriptor } of [root, ...tree.images, ...tree.artifacts]) kept.add(descriptor.digest)
    else {
      const manifests = tree.artifacts.flatMap(({ manifest }) => (manifest ? [parseManifest(manifest)] : []))
      unnamed.push({ root, subjects: manifests.flatMap(({ subject }) => (subject ? [subject.digest] : [])) })
    }
  }
  const gone = unnamed
    .filter(({ subjects }) => !subjects.some(subject => kept.has(subject)))
    .map(({ root }) => root.descriptor.digest)
  const { blobs, bytes } = await store.remove(gone)
  for (const digest of gone) diffIds.delete(digest)
  return { images: gone, blobs: blobs.length, bytes, diffIds: [...diffIds.values()].flat() }
}
