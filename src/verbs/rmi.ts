import { selectRoots } from '../image/select.js'
import type { Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { familiarName, type Reference } from '../spec/reference.js'
import type { Store } from '../store/store.js'

export interface RemoveOptions {
  readonly store: Store
  /** Names or IDs. */
  readonly images: readonly string[]
  /** Also an image that goes by several names, when it is given by its ID. */
  readonly force?: boolean
}

export interface Removed {
  readonly untagged: readonly Reference[]
  /** Digests of manifests and indexes. */
  readonly deleted: readonly Digest[]
  /** Bytes freed. */
  readonly bytes: number
}

/** Take names away, and with the last name the image; by ID, the image with all its names. Throws NOT_FOUND before anything is done. */
export const rmi = async ({ store, images, force = false }: RemoveOptions): Promise<Removed> => {
  await using source = store.source()
  const before = await store.roots()
  const names: Reference[] = []
  const whole: Digest[] = []
  for (const image of images)
    for (const selected of await selectRoots(source, image)) {
      const { digest } = selected.descriptor
      const all = before.find(({ descriptor }) => descriptor.digest === digest)?.names ?? []
      if (selected.names.length > 0) names.push(...selected.names)
      else if (all.length > 1 && !force)
        throw new LadingError(
          'AMBIGUOUS',
          `${image} has several names (${all.map(familiarName).join(', ')}): use --force to remove them all`,
        )
      else {
        whole.push(digest)
        names.push(...all)
      }
    }
  const freed = [await store.untag(names), await store.remove(whole)]
  const left = new Set((await store.roots()).map(({ descriptor }) => descriptor.digest))
  return {
    untagged: names,
    deleted: before.map(({ descriptor }) => descriptor.digest).filter(digest => !left.has(digest)),
    bytes: freed.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}
