import type { Tree } from './interfaces.js'

/** Bytes of the distinct layers and artifact blobs of these trees, as stored: what reading them all will read. */
export const bytesOf = (trees: readonly Tree[]): number => {
  const sizes = new Map<string, number>()
  for (const { images, artifacts } of trees) {
    for (const { descriptor } of images.flatMap(({ layers }) => layers))
      sizes.set(descriptor.digest, descriptor.size)
    for (const { digest, size } of artifacts.flatMap(({ blobs }) => blobs)) sizes.set(digest, size)
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0)
}
