import { LadingError } from '../spec/errors.js'
import { formatPlatform, hostPlatform, type Platform, pickPlatform } from '../spec/platform.js'
import { familiarName } from '../spec/reference.js'
import type { Image, Tree } from './interfaces.js'
import { imageFor, platformOf } from './narrow.js'
import { loadTree } from './view.js'
import type { AnySource } from './wrapped-source.js'

export interface PickedImage {
  readonly tree: Tree
  readonly image: Image
}

/**
 * The one image that a place stands for: its only root, and of an index the image for `platform`, else for
 * this machine, else the only one. Throws AMBIGUOUS with the choices, NOT_FOUND.
 */
export const pickImage = async (source: AnySource, platform?: Platform): Promise<PickedImage> => {
  const trees: Tree[] = []
  for (const root of await source.roots()) {
    const tree = await loadTree(source, root)
    if (tree.images.length > 0) trees.push(tree)
  }
  const [tree, ...others] = trees
  if (tree === undefined) throw new LadingError('NOT_FOUND', `There is no image in ${source.place}`)
  if (others.length > 0) {
    const choices = trees.map(({ root }, index) => root.names.map(familiarName)[0] ?? `@${index}`)
    throw new LadingError(
      'AMBIGUOUS',
      `There are ${trees.length} images in ${source.place}: say which, as in docker-archive:FILE:NAME. Found ${choices.join(', ')}`,
      { data: { choices } },
    )
  }
  if (platform !== undefined) return { tree, image: imageFor(tree, platform) }
  if (tree.images.length === 1) return { tree, image: tree.images[0]! }
  const platforms = tree.images.map(platformOf)
  const own = pickPlatform(hostPlatform(), platforms)
  if (own !== undefined) return { tree, image: tree.images[own]! }
  throw new LadingError(
    'AMBIGUOUS',
    `${source.place} has images for ${platforms.map(formatPlatform).join(', ')}: say which with --platform`,
    { data: { choices: platforms.map(formatPlatform) } },
  )
}
