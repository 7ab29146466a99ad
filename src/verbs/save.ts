import { type Progress, type ProgressTask, silent } from '../bytes/progress.js'
import { expectWork } from '../bytes/threads.js'
import type { ImageSource, Root, Tree } from '../image/interfaces.js'
import type { Loss, Warning } from '../image/loss.js'
import { narrowToPlatform } from '../image/narrow.js'
import { bytesOf } from '../image/tree-size.js'
import { loadTree } from '../image/view.js'
import { observed } from '../image/wrapped-source.js'
import type { Digest } from '../spec/digest.js'
import { during } from '../spec/errors.js'
import type { Platform } from '../spec/platform.js'
import { familiarName, type Reference } from '../spec/reference.js'
import type { ContainerOpener } from '../transports/containers.js'
import { openSource } from '../transports/open.js'
import { type ArchiveFormat, type LayerCompression, openArchiveSink } from '../transports/open-sink.js'
import { parsePlace } from '../transports/place.js'

export interface SaveOptions {
  /** Places that hold images; a bare word is a name or an ID in the store. */
  readonly places: readonly string[]
  /** A path, or `-` for standard output. */
  readonly output: string
  /** `both`: an OCI layout that is a docker archive too. */
  readonly format: ArchiveFormat
  readonly platform?: Platform
  /** Re-encode the layers; by default they stay as they are. */
  readonly compress?: LayerCompression
  readonly storeDirectory: string
  readonly progress?: Progress
  readonly containers?: ContainerOpener
}

export interface SaveResult {
  readonly images: readonly { readonly names: readonly Reference[]; readonly digest: Digest }[]
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * Write images into one archive, blobs once, in the order of the arguments. The same images give the same
 * bytes. The file appears whole, or not at all; an existing one is replaced only then.
 */
export const save = async (options: SaveOptions): Promise<SaveResult> => {
  try {
    return await saveAll(options)
  } catch (error) {
    throw during(`Cannot save ${options.places.join(' ')}`, error)
  }
}

const saveAll = async (options: SaveOptions): Promise<SaveResult> => {
  const { places, storeDirectory, containers, progress = silent } = options
  const sources: ImageSource[] = []
  try {
    for (const place of places)
      sources.push(
        await openSource(parsePlace(place), { storeDirectory, progress, ...(containers && { containers }) }),
      )
    return await saveFrom(sources, options)
  } finally {
    for (const source of sources) await source[Symbol.asyncDispose]()
  }
}

const saveFrom = async (
  sources: readonly ImageSource[],
  { output, format, platform, compress, progress = silent }: SaveOptions,
): Promise<SaveResult> => {
  const losses: Loss[] = []
  let task: ProgressTask | undefined
  const wanted: { source: ImageSource; root: Root }[] = []
  const warnings: (readonly Warning[])[] = []
  for (const source of sources) {
    const watched = observed(source, bytes => task?.advance(bytes))
    for (const root of await source.roots()) wanted.push({ source: watched, root })
    warnings.push(source.warnings)
  }
  await using sink = await openArchiveSink(output, { format, ...(compress && { compress }) })
  const trees: Tree[] = []
  for (const { source, root } of joinNames(wanted)) {
    let tree = await loadTree(source, root)
    if (platform !== undefined) {
      const narrowed = narrowToPlatform(tree, platform)
      losses.push(...narrowed.losses)
      tree = await loadTree(source, narrowed.root)
    }
    trees.push(tree)
    expectWork(bytesOf(trees))
    await sink.write(tree)
  }
  task = progress.begin('Saving', bytesOf(trees))
  const committed = await sink.commit()
  task.end()
  return {
    images: trees.map(({ root }) => ({ names: root.names, digest: root.descriptor.digest })),
    losses: [...losses, ...committed.losses],
    warnings: warnings.flat(),
  }
}

/** An image that was named twice (`a:1 a:2`, or by name and by ID) is one image with all its names. */
const joinNames = (wanted: readonly { source: ImageSource; root: Root }[]) => {
  const joined = new Map<Digest, { source: ImageSource; root: Root }>()
  for (const { source, root } of wanted) {
    const earlier = joined.get(root.descriptor.digest)
    const names = [...(earlier?.root.names ?? []), ...root.names]
    const distinct = [...new Map(names.map(name => [familiarName(name), name])).values()]
    joined.set(root.descriptor.digest, {
      source: earlier?.source ?? source,
      root: { ...(earlier?.root ?? root), names: distinct },
    })
  }
  return joined.values()
}
