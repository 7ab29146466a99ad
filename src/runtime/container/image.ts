import { resolve } from 'node:path'
import type { Image, Root, Tree } from '../../image/interfaces.js'
import { pickImage } from '../../image/pick-image.js'
import { loadTree } from '../../image/view.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { selectRoots } from '../../image/select.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { Platform } from '../../spec/platform.js'
import { openStore } from '../../store/store.js'
import { parsePlace } from '../../transports/place.js'
import type { ImageOfContainer } from '../settings.js'

export interface OpenedImage extends AsyncDisposable {
  readonly source: AnySource
  readonly tree: Tree
  readonly image: Image
  readonly described: ImageOfContainer
}

export interface ImageQuery {
  /** As the user wrote it: any place that images are read from. */
  readonly reference: string
  readonly storeDirectory: string
  readonly platform?: Platform
}

/** The image that a user means, to make a container of. Throws NOT_FOUND, AMBIGUOUS, and what is wrong with a place. */
export const openImage = async ({
  reference,
  storeDirectory,
  platform,
}: ImageQuery): Promise<OpenedImage> => {
  // An archive on standard input could not be opened again when the container starts again.
  if (reference === '-')
    throw new LadingError('USAGE', 'Cannot make a container of standard input: load it first, then name it')
  const { place, source } = await openPlace(reference, storeDirectory)
  try {
    const { tree, image } = await pickImage(source, platform)
    const described = {
      reference,
      place,
      manifest: image.manifest.descriptor.digest,
      id: image.configDocument.descriptor.digest,
    }
    return { source, tree, image, described, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() }
  } catch (error) {
    await source[Symbol.asyncDispose]()
    throw error
  }
}

const openPlace = async (reference: string, storeDirectory: string) => {
  const place = parsePlace(reference)
  if (place.kind === 'store')
    return { place: 'store:', source: await openInStore(place.query ?? '', storeDirectory) }
  // Reading archives takes more than the store does, and most containers are made of the store's images.
  const { openSource } = await import('../../transports/open.js')
  // A folder may change where a command is run; what was found there stays where it is.
  const path = resolve(place.path)
  const kind = place.kind === 'unknown' ? '' : `${place.kind}:`
  return { place: `${kind}${path}`, source: await openSource({ ...place, path }, { storeDirectory }) }
}

const openInStore = async (query: string, storeDirectory: string): Promise<AnySource> => {
  const store = await openStore(storeDirectory, { create: true })
  const source = store.source()
  if (query === '') return source
  const roots = await selectRoots(source, query).catch(error => {
    throw error instanceof LadingError && error.code === 'NOT_FOUND' ? noImage(query) : error
  })
  return { ...source, roots: async () => roots }
}

/** Docker's words, and what to do: this version pulls nothing. */
const noImage = (query: string): LadingError =>
  new LadingError(
    'NOT_FOUND',
    `Unable to find image '${visible(query)}' locally, and there is no file of that name: load it first, or give the path of an archive`,
    { data: { query } },
  )

/**
 * The image of a container that was created before: in the store its blobs are pinned, whatever has become of its
 * names; an archive must still hold it. Throws NOT_FOUND.
 */
export const reopenImage = async (
  described: ImageOfContainer,
  manifest: Root['descriptor'],
  storeDirectory: string,
): Promise<OpenedImage> => {
  const { source } = await openPlace(described.place, storeDirectory)
  try {
    const roots: readonly Root[] =
      source.format === 'store'
        ? [{ descriptor: manifest, names: [], origin: 'document' }]
        : await source.roots()
    for (const root of roots) {
      const tree = await loadTree(source, root)
      const image = tree.images.find(({ manifest }) => manifest.descriptor.digest === described.manifest)
      if (image)
        return { source, tree, image, described, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() }
    }
    throw new LadingError(
      'NOT_FOUND',
      `${described.place} does not hold the image ${described.manifest} any more, which the container was made of`,
    )
  } catch (error) {
    await source[Symbol.asyncDispose]()
    throw error
  }
}
