import type { Image, Tree } from '../../image/interfaces.js'
import { platformOf } from '../../image/narrow.js'
import { byBytes, goJson } from '../../spec/canonical-json.js'
import { hostPlatform, type Platform, pickPlatform } from '../../spec/platform.js'
import { familiarName, type Reference } from '../../spec/reference.js'

/** An image as docker sees it: one platform, with its names. */
export interface DockerImage {
  readonly image: Image
  readonly tree: Tree
  readonly names: readonly Reference[]
}

/**
 * The images that a docker archive shows. It knows no platforms: of an index it shows one image, under the
 * index's names, as containerd does: the one for `platform` (the host, if absent), else the first for Linux,
 * else the first. More would give several images one name, and `skopeo docker-archive:FILE` would ask which.
 * The same image found twice is shown once, with all its names.
 */
export const dockerImages = (trees: readonly Tree[], platform = hostPlatform()): readonly DockerImage[] => {
  const shown = new Map<string, DockerImage>()
  for (const tree of trees) {
    const image = chosen(tree, platform)
    if (image === undefined) continue
    const { digest } = image.manifest.descriptor
    const earlier = shown.get(digest)
    shown.set(digest, {
      image,
      tree: earlier?.tree ?? tree,
      names: [...(earlier?.names ?? []), ...tree.root.names],
    })
  }
  return [...shown.values()]
}

const chosen = ({ images }: Tree, platform: Platform): Image | undefined => {
  const picked = pickPlatform(platform, images.map(platformOf))
  if (picked !== undefined) return images[picked]
  return images.find(image => image.config.os === 'linux') ?? images[0]
}

/** What tells a reader that a layer is not to be had from the archive, or, since Docker 25, how it is stored. */
export interface LayerSource {
  readonly mediaType: string
  readonly size: number
  readonly digest: string
  readonly urls?: readonly string[]
}

/** An item of manifest.json; the order of the fields is moby's (image/tarexport/tarexport.go, manifestItem). */
export interface ManifestItem {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
  readonly Layers: readonly string[]
  readonly LayerSources?: Readonly<Record<string, LayerSource>>
}

/** Both documents end with a line end, as Go's encoder leaves it. */
export const manifestJson = (items: readonly ManifestItem[]): Buffer =>
  Buffer.from(`${goJson(items as unknown as Parameters<typeof goJson>[0])}\n`)

/** Familiar names with a tag, the only ones that RepoTags may hold; null when there is none, as docker has it. */
export const repoTags = (names: readonly Reference[]): readonly string[] | null => {
  const tags = names.filter(hasTag).map(familiarName)
  return tags.length > 0 ? tags : null
}

const hasTag = (name: Reference): boolean => name.tag !== undefined && name.digest === undefined

/**
 * `repositories`, the only list of names before Docker 1.10: repository, tag, and the ID of the top layer.
 * Keys sorted. Undefined when nothing is named.
 */
export const repositoriesJson = (
  tops: readonly { readonly names: readonly Reference[]; readonly top: string | undefined }[],
): Buffer | undefined => {
  const repositories = new Map<string, Map<string, string>>()
  for (const { names, top } of tops)
    for (const { domain, path, tag } of names.filter(hasTag)) {
      const repository = familiarName({ domain, path })
      const tags = repositories.get(repository) ?? new Map<string, string>()
      if (top !== undefined) repositories.set(repository, tags.set(tag!, top))
    }
  if (repositories.size === 0) return undefined
  const sorted = <Value>(map: Map<string, Value>) => [...map].sort(([a], [b]) => byBytes(a, b))
  return Buffer.from(
    `${goJson(Object.fromEntries(sorted(repositories).map(([name, tags]) => [name, Object.fromEntries(sorted(tags))])))}\n`,
  )
}
