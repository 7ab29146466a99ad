import { hexOf } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { isIndexType } from '../spec/media-types.js'
import { familiarName, parseReference, type Reference } from '../spec/reference.js'
import type { ImageSource, Root } from './interfaces.js'
import { refNameKey } from './layout-index.js'
import { loadTree } from './view.js'

/**
 * The roots that `query` names, with the rules of `docker save` (moby image/tarexport/save.go, parseNames):
 * `name:tag` is that one name; a bare name is every tag of the repository; an ID, or a prefix of one, is the
 * image without its names. `@N` counts roots from 0, as skopeo does. Throws NOT_FOUND, AMBIGUOUS for a prefix
 * of several.
 */
export const selectRoots = async (source: ImageSource, query: string): Promise<readonly Root[]> => {
  const roots = await source.roots()
  if (/^@\d+$/.test(query)) {
    const root = roots[Number(query.slice(1))]
    if (root) return [root]
    throw notFound(source, roots, query)
  }
  const named = byName(roots, query)
  if (named.length > 0) return named
  const byTagAlone = roots.filter(
    ({ descriptor, names }) =>
      descriptor.annotations?.[refNameKey] === query || names.some(({ tag }) => tag === query),
  )
  if (byTagAlone.length > 0) return byTagAlone
  const identified = await byId(source, roots, query)
  if (identified.length === 1) return [{ ...identified[0]!, names: [] }]
  if (identified.length > 1)
    throw new LadingError(
      'AMBIGUOUS',
      `Several images in ${source.place} have an ID that begins with ${JSON.stringify(query)}: ` +
        identified.map(root => root.descriptor.digest).join(', '),
      { data: { query, found: identified.map(root => root.descriptor.digest) } },
    )
  throw notFound(source, roots, query)
}

const byName = (roots: readonly Root[], query: string): readonly Root[] => {
  const wanted = readReference(query)
  if (wanted === undefined) return []
  return roots.flatMap(root => {
    if (wanted.digest !== undefined)
      return root.descriptor.digest === wanted.digest ? [{ ...root, names: [] }] : []
    const names = root.names.filter(
      name =>
        name.domain === wanted.domain &&
        name.path === wanted.path &&
        (wanted.tag === undefined || name.tag === wanted.tag),
    )
    return names.length > 0 ? [{ ...root, names }] : []
  })
}

const readReference = (query: string): Reference | undefined => {
  try {
    return parseReference(query)
  } catch (error) {
    // An upper-case word or a bare digest is no name; it may still be an ID.
    if (error instanceof LadingError) return undefined
    throw error
  }
}

/** By a prefix of the manifest digest, the index digest or the image ID (config digest). */
const byId = async (source: ImageSource, roots: readonly Root[], query: string): Promise<readonly Root[]> => {
  const prefix = /^(?:sha256:)?([0-9a-f]{2,64})$/.exec(query)?.[1]
  if (prefix === undefined) return []
  const found: Root[] = []
  for (const root of roots) {
    if (hexOf(root.descriptor.digest).startsWith(prefix)) {
      found.push(root)
      continue
    }
    const tree = await loadTree(source, root)
    const images = tree.images.filter(
      image =>
        hexOf(image.configDocument.descriptor.digest).startsWith(prefix) ||
        (isIndexType(root.descriptor.mediaType) && hexOf(image.descriptor.digest).startsWith(prefix)),
    )
    // An image inside an index is asked for by itself; the index has another ID.
    for (const image of images)
      found.push(
        image.descriptor.digest === root.descriptor.digest
          ? root
          : { descriptor: image.descriptor, names: [], origin: root.origin },
      )
  }
  return [...new Map(found.map(root => [root.descriptor.digest, root])).values()]
}

const notFound = (source: ImageSource, roots: readonly Root[], query: string): LadingError => {
  const names = roots.map((root, index) => root.names.map(familiarName).join(' = ') || `@${index}`)
  return new LadingError(
    'NOT_FOUND',
    `No image ${JSON.stringify(query)} in ${source.place}: found ${names.join(', ') || 'no image at all'}`,
    { data: { query, found: names } },
  )
}
