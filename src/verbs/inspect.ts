import type { Image, Root, Tree } from '../image/interfaces.js'
import type { Warning } from '../image/loss.js'
import { platformOf } from '../image/narrow.js'
import { layerOddity } from '../image/sniff-layer.js'
import { loadTree } from '../image/view.js'
import type { AnySource } from '../image/wrapped-source.js'
import type { Carried } from '../layer/carried.js'
import { parseConfig } from '../spec/config.js'
import type { Descriptor } from '../spec/descriptor.js'
import type { Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import type { JsonObject } from '../spec/json.js'
import { isIndexType } from '../spec/media-types.js'
import type { Platform } from '../spec/platform.js'
import { familiarName } from '../spec/reference.js'
import { measuringStage } from '../transports/archive/stages.js'
import { explain, type Kind } from '../transports/identify.js'
import { type LookOptions, withSource } from './open-image.js'
import { withTree } from './open-tree.js'

export interface Inspection {
  readonly place: string
  readonly kind: Kind
  /** The kind in words. */
  readonly is: string
  /** What to do, where it is no image. */
  readonly remedy?: string
  readonly images: readonly InspectedRoot[]
  /** Of a flat tar or a folder. */
  readonly snapshot?: InspectedSnapshot
  readonly warnings: readonly Warning[]
}

export interface InspectedSnapshot {
  readonly entries: number
  /** Of all files together, names of one file counted once. */
  readonly size: number
  /** The image that it is of, where the snapshot carries that. */
  readonly carried?: Pick<Carried, 'names' | 'manifest'> & { readonly config: JsonObject }
}

export interface InspectedRoot {
  readonly names: readonly string[]
  /** Of the manifest or index. */
  readonly digest: Digest
  readonly mediaType: string
  /** Whether the place has this document; otherwise lading derived it. */
  readonly derived: boolean
  readonly platforms: readonly InspectedImage[]
  /** Attestations, signatures and the like that hang on it. */
  readonly artifacts: readonly {
    readonly digest: Digest
    readonly mediaType: string
    readonly type?: string
  }[]
  /** What is wrong with its documents. Nothing else of it is shown where it cannot be read at all. */
  readonly problems: readonly string[]
  /** Listed and not there. */
  readonly absent: readonly Pick<Descriptor, 'digest' | 'platform'>[]
}

export interface InspectedImage {
  /** The config's digest: what docker calls the image ID. */
  readonly id: Digest
  readonly manifest: Digest
  readonly platform: Platform
  readonly created?: string
  readonly author?: string
  /** Bytes of all layers as stored. */
  readonly size: number
  readonly layers: readonly {
    readonly diffId: Digest
    readonly digest: Digest
    readonly size: number
    readonly mediaType: string
  }[]
  readonly config: JsonObject
  readonly historyEntries: number
}

/**
 * What a place is, what is in it and what is odd about it. Documents and headers are read, of a layer no more
 * than its first block.
 * A file that is no image is an answer, not an error; a damaged image is an error that says where.
 */
export const inspect = async (options: LookOptions): Promise<Inspection> => {
  try {
    return await withSource(
      options,
      async source => {
        const images: InspectedRoot[] = []
        const roots = await source.roots()
        for (const root of roots) images.push(await inspectRoot(source, root, roots.length > 1))
        const kind: Kind = source.format
        return { place: options.place, kind, is: explain(kind).is, images, warnings: source.warnings }
      },
      measuringStage,
    )
  } catch (error) {
    if (!(error instanceof LadingError) || error.code !== 'NOT_AN_IMAGE' || error.data.kind === undefined)
      throw error
    const kind = error.data.kind as Kind
    const found = { place: options.place, kind, images: [], warnings: [] }
    if (!['rootfs', 'folder', 'tar', 'layer'].includes(kind) || options.place === '-')
      return { ...found, ...explain(kind) }
    const snapshot = await inspectSnapshot(options)
    // What carries an image's config is a snapshot, whatever names are in it.
    const shown = snapshot.carried ? 'rootfs' : kind
    return { ...found, kind: shown, ...explain(shown), snapshot }
  }
}

const inspectSnapshot = (options: LookOptions): Promise<InspectedSnapshot> =>
  withTree(options, async ({ tree, snapshot }) => {
    const seen = new Set<unknown>()
    let [entries, size] = [0, 0]
    for (const node of tree.walk()) {
      entries++
      if (!seen.has(node.inode)) size += tree.entry(node)?.size ?? 0
      seen.add(node.inode)
    }
    if (snapshot?.carried === undefined) return { entries, size }
    const { names, manifest, config } = snapshot.carried
    const { fields } = parseConfig(config, 'the config that the snapshot carries')
    return { entries, size, carried: { names, manifest, config: fields } }
  })

/** With `tolerant`, a root that cannot be read at all is shown as that: the others are worth seeing. */
const inspectRoot = async (source: AnySource, root: Root, tolerant: boolean): Promise<InspectedRoot> => {
  const problems: string[] = []
  try {
    const tree = await loadTree(source, root, problem => problems.push(problem))
    for (const layer of tree.images.flatMap(({ layers }) => layers)) {
      const oddity = await layerOddity(source, layer)
      if (oddity !== undefined) problems.push(oddity)
    }
    return describeTree(tree, problems)
  } catch (error) {
    if (!tolerant || !(error instanceof LadingError)) throw error
    problems.push(error.message)
    return { ...describeRoot(root), platforms: [], artifacts: [], absent: [], problems }
  }
}

const describeRoot = ({ names, descriptor, origin }: Root) => ({
  names: names.map(familiarName),
  digest: descriptor.digest,
  mediaType: descriptor.mediaType,
  derived: origin === 'derived',
})

const describeTree = (tree: Tree, problems: readonly string[]): InspectedRoot => ({
  ...describeRoot(tree.root),
  problems,
  platforms: tree.images.map(describeImage),
  artifacts: tree.artifacts.map(({ descriptor }) => ({
    digest: descriptor.digest,
    mediaType: descriptor.mediaType,
    ...typeOf(descriptor),
  })),
  absent: isIndexType(tree.root.descriptor.mediaType)
    ? tree.absent.map(({ digest, platform }) => ({ digest, ...(platform && { platform }) }))
    : [],
})

const typeOf = ({ artifactType, annotations }: Descriptor): { type?: string } => {
  const type = artifactType ?? annotations?.['vnd.docker.reference.type']
  return type === undefined ? {} : { type }
}

const describeImage = (image: Image): InspectedImage => ({
  id: image.configDocument.descriptor.digest,
  manifest: image.manifest.descriptor.digest,
  platform: platformOf(image),
  ...(image.config.created !== undefined && { created: image.config.created }),
  ...(image.config.author !== undefined && { author: image.config.author }),
  size: image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
  layers: image.layers.map(({ diffId, descriptor }) => ({
    diffId,
    digest: descriptor.digest,
    size: descriptor.size,
    mediaType: descriptor.mediaType,
  })),
  config: image.config.config,
  historyEntries: image.config.history.length,
})
