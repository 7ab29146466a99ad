import { LadingError } from '../spec/errors.js'
import { isIndexType } from '../spec/media-types.js'
import { formatPlatform, type Platform, pickPlatform } from '../spec/platform.js'
import type { Image, Root, Tree } from './interfaces.js'
import type { Loss } from './loss.js'

/** The platform that an image's config claims. */
export const platformOf = (image: Image): Platform => ({
  os: image.config.os,
  architecture: image.config.architecture,
  ...(image.config.variant !== undefined && { variant: image.config.variant }),
  ...(image.config['os.version'] !== undefined && { 'os.version': image.config['os.version'] }),
})

/** The image of `tree` for `platform`; containerd's matching. Throws NOT_FOUND with what there is. */
export const imageFor = (tree: Tree, platform: Platform): Image => {
  const picked = pickPlatform(platform, tree.images.map(platformOf))
  if (picked !== undefined) return tree.images[picked]!
  throw new LadingError(
    'NOT_FOUND',
    `No image for ${formatPlatform(platform)} in ${tree.source.place}: found ` +
      `${tree.images.map(image => formatPlatform(platformOf(image))).join(', ') || 'no image'}`,
    { data: { wanted: formatPlatform(platform) } },
  )
}

/**
 * The root that is left when only `platform` is wanted: the image's own manifest in place of its index.
 * What goes with the index is named.
 */
export const narrowToPlatform = (tree: Tree, platform: Platform): { root: Root; losses: readonly Loss[] } => {
  const image = imageFor(tree, platform)
  if (!isIndexType(tree.root.descriptor.mediaType)) return { root: tree.root, losses: [] }
  const where = tree.root.descriptor.digest
  const why = `only ${formatPlatform(platform)} was asked for`
  const others = tree.images.length - 1
  const losses: Loss[] = [
    { what: 'index', where, why, count: 1, remedy: 'Leave out --platform to keep the whole index' },
  ]
  if (others > 0) losses.push({ what: 'platform', where, why, count: others })
  if (tree.artifacts.length > 0) losses.push({ what: 'artifact', where, why, count: tree.artifacts.length })
  return { root: { ...tree.root, descriptor: image.descriptor }, losses }
}
