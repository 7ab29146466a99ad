import { readFileSync } from 'node:fs'
import { digestOf } from '../bytes/hasher.js'
import type { CommitResult, Root } from '../image/interfaces.js'
import { descriptorsOf, rootsOf } from '../image/layout-index.js'
import type { Digest } from '../spec/digest.js'
import { indexJson, parseIndex } from '../spec/image-index.js'
import { mediaTypes } from '../spec/media-types.js'
import { fullName } from '../spec/reference.js'
import { writeAtomically } from './atomic-file.js'
import type { StorePlaces } from './places.js'

/** What the store's index.json lists: each root with all its names. */
export const readRoots = async (places: StorePlaces): Promise<readonly Root[]> => {
  const bytes = readFileSync(places.index)
  const descriptor = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length }
  return rootsOf(parseIndex({ bytes, descriptor }, places.index).manifests)
}

/** Under the exclusive lock. */
export const writeRoots = (places: StorePlaces, roots: readonly Root[]): Promise<void> =>
  writeAtomically(
    places.index,
    indexJson(roots.flatMap(root => descriptorsOf(root, 'familiar'))),
    places.temporary,
  )

/**
 * `roots` with `added`. A name belongs to one root: the newcomer takes it, and the one that had it stays,
 * without it, as after `docker load`.
 */
export const addRoots = (
  roots: readonly Root[],
  added: readonly Root[],
): { roots: readonly Root[]; moved: CommitResult['moved'] } => {
  const result = new Map<Digest, Root>(roots.map(root => [root.descriptor.digest, root]))
  const moved: CommitResult['moved'][number][] = []
  for (const root of added) {
    const to = root.descriptor.digest
    for (const name of root.names)
      for (const [from, other] of result) {
        const left = other.names.filter(taken => fullName(taken) !== fullName(name))
        if (left.length === other.names.length || from === to) continue
        result.set(from, { ...other, names: left })
        moved.push({ name, from, to })
      }
    const names = [...(result.get(to)?.names ?? []), ...root.names]
    const distinct = [...new Map(names.map(name => [fullName(name), name])).values()]
    result.set(to, { ...(result.get(to) ?? root), names: distinct })
  }
  return { roots: [...result.values()], moved }
}
