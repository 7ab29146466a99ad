import { statSync } from 'node:fs'
import type { ByteStream } from '../bytes/byte-stream.js'
import { type Progress, type ProgressTask, silent } from '../bytes/progress.js'
import { expectWork } from '../bytes/threads.js'
import type { CommitResult, Image, Root, Tree } from '../image/interfaces.js'
import type { Loss, Warning } from '../image/loss.js'
import { narrowToPlatform } from '../image/narrow.js'
import { bytesOf } from '../image/tree-size.js'
import { loadTree } from '../image/view.js'
import { observed } from '../image/wrapped-source.js'
import type { Digest } from '../spec/digest.js'
import { during, LadingError } from '../spec/errors.js'
import type { Platform } from '../spec/platform.js'
import { familiarName, type Reference, sameReference, withDefaultTag } from '../spec/reference.js'
import type { Store } from '../store/store.js'
import { openSource } from '../transports/open.js'
import { parsePlace } from '../transports/place.js'

export interface LoadOptions {
  /** A place, a path, or `-` for standard input. */
  readonly input: string
  readonly store: Store
  /** Names to give up for others as they come in. */
  readonly tags?: readonly { readonly from: Reference; readonly to: Reference }[]
  /** Take only the image of this platform out of an index. */
  readonly platform?: Platform
  /** Wait for the disk, blob by blob. */
  readonly sync?: boolean
  readonly progress?: Progress
  readonly stdin?: ByteStream
}

export interface LoadedImage {
  readonly names: readonly Reference[]
  /** The config digests of the images under this root: what `docker images` calls the image ID. */
  readonly ids: readonly Digest[]
  /** Of the manifest or index. */
  readonly digest: Digest
}

export interface LoadResult {
  readonly images: readonly LoadedImage[]
  readonly moved: CommitResult['moved']
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * Take every image of a place into the store, blobs kept exactly as they came. All or nothing: when anything
 * fails (a wrong digest, a truncated file, a full disk), the store is as it was. Doing it again is harmless.
 */
export const load = async (options: LoadOptions): Promise<LoadResult> => {
  try {
    return await loadAll(options)
  } catch (error) {
    throw during(`Cannot load ${options.input === '-' ? 'standard input' : options.input}`, error)
  }
}

const loadAll = async ({
  input,
  store,
  tags = [],
  platform,
  sync = false,
  progress = silent,
  stdin,
}: LoadOptions) => {
  expectWork(statSync(input, { throwIfNoEntry: false })?.size ?? 0)
  await using session = await store.session({ sync })
  await using opened = await openSource(parsePlace(input), {
    stage: session,
    progress,
    storeDirectory: store.directory,
    ...(stdin && { stdin }),
  })
  const losses: Loss[] = []
  const unused = new Set(tags)
  const trees: Tree[] = []
  let task: ProgressTask | undefined
  const source = observed(opened, bytes => task?.advance(bytes))
  for (const root of await source.roots()) {
    let tree = await loadTree(source, retag(root, tags, unused))
    if (platform !== undefined) {
      const narrowed = narrowToPlatform(tree, platform)
      losses.push(...narrowed.losses)
      tree = await loadTree(source, narrowed.root)
    }
    trees.push(tree)
  }
  for (const { from } of unused)
    throw new LadingError(
      'NOT_FOUND',
      `No image is named ${familiarName(from)} there, so it cannot be renamed`,
    )
  task = progress.begin('Loading', bytesOf(trees))
  for (const tree of trees) await session.write(tree)
  const committed = await session.commit()
  task.end()
  return {
    images: trees.map(({ root, images }) => ({
      names: root.names,
      ids: images.map(imageId),
      digest: root.descriptor.digest,
    })),
    moved: committed.moved,
    losses: [...losses, ...committed.losses],
    warnings: [...opened.warnings],
  }
}

const imageId = (image: Image): Digest => image.configDocument.descriptor.digest

const retag = (
  root: Root,
  tags: NonNullable<LoadOptions['tags']>,
  unused: Set<(typeof tags)[number]>,
): Root => ({
  ...root,
  names: root.names.map(name => {
    const rule = tags.find(({ from }) => sameReference(withDefaultTag(from), name))
    if (rule === undefined) return name
    unused.delete(rule)
    return withDefaultTag(rule.to)
  }),
})
