import { type Progress, type ProgressTask, silent } from '../bytes/progress.js'
import { openSpoolFile } from '../bytes/spool-file.js'
import type { ImageSink, Root, Tree } from '../image/interfaces.js'
import type { Loss, Warning } from '../image/loss.js'
import { narrowToPlatform } from '../image/narrow.js'
import { pickImage } from '../image/pick-image.js'
import { bytesOf } from '../image/tree-size.js'
import { loadTree } from '../image/view.js'
import { type AnySource, observed } from '../image/wrapped-source.js'
import { applyChanges } from '../spec/changes.js'
import type { Digest } from '../spec/digest.js'
import { during, LadingError } from '../spec/errors.js'
import type { Platform } from '../spec/platform.js'
import { parseReference, type Reference, withDefaultTag } from '../spec/reference.js'
import { openStore } from '../store/store.js'
import { openSource } from '../transports/open.js'
import { type LayerCompression, openSink } from '../transports/open-sink.js'
import { parseDestination, parsePlace } from '../transports/place.js'
import { type HistoryPolicy, rewriteImage } from './rewrite-image.js'

export interface ConvertOptions {
  /** Places. */
  readonly source: string
  readonly destination: string
  /** Make all layers one. */
  readonly flatten?: boolean
  /** Make these layers one, 1 for the base, both ends included. */
  readonly squash?: { readonly from: number; readonly to: number }
  readonly history?: HistoryPolicy
  readonly changes?: readonly string[]
  readonly platform?: Platform
  readonly compress?: LayerCompression
  /** Fail, rather than change a digest. */
  readonly preserveDigests?: boolean
  readonly storeDirectory: string
  readonly progress?: Progress
}

export interface ConvertResult {
  readonly images: readonly { readonly names: readonly Reference[]; readonly digest: Digest }[]
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * Any place to any other, as it is or changed on the way: layers made one, the config changed, layers
 * re-encoded. The destination appears whole, or not at all.
 */
export const convert = async (options: ConvertOptions): Promise<ConvertResult> => {
  try {
    applyChanges({}, options.changes ?? [])
    return await convertAll(options)
  } catch (error) {
    throw during(`Cannot convert ${options.source} to ${options.destination}`, error)
  }
}

const convertAll = async (options: ConvertOptions): Promise<ConvertResult> => {
  const { storeDirectory, progress = silent } = options
  await using opened = await openSource(parsePlace(options.source), { storeDirectory, progress })
  await using spool = await openSpoolFile()
  let task: ProgressTask | undefined
  const source = observed(opened, bytes => task?.advance(bytes))
  const losses: Loss[] = []
  const trees: Tree[] = []
  if (options.flatten || options.squash || (options.changes ?? []).length > 0) {
    const { tree, image } = await pickImage(source, options.platform)
    const squash =
      options.flatten && image.layers.length > 0 ? { from: 1, to: image.layers.length } : options.squash
    const history = options.history ?? 'collapse'
    const rewritten = await rewriteImage(
      source,
      tree.root,
      image,
      { history, changes: options.changes ?? [], ...(squash && { squash }) },
      spool,
    )
    losses.push(...rewritten.losses)
    trees.push(rewritten.tree)
  } else
    for (const root of await source.roots())
      trees.push(await wholeTree(source, root, options.platform, losses))

  await using sink = await openDestination(options)
  for (const tree of trees) await sink.write(tree)
  task = progress.begin('Converting', bytesOf(trees))
  if (options.preserveDigests) checkPreserved(options.destination, trees, losses)
  const committed = await sink.commit()
  task.end()
  return {
    images: trees.map(({ root }) => ({ names: root.names, digest: root.descriptor.digest })),
    losses: [...losses, ...committed.losses],
    warnings: [...opened.warnings],
  }
}

const wholeTree = async (
  source: AnySource,
  root: Root,
  platform: Platform | undefined,
  losses: Loss[],
): Promise<Tree> => {
  const tree = await loadTree(source, root)
  if (platform === undefined) return tree
  const narrowed = narrowToPlatform(tree, platform)
  losses.push(...narrowed.losses)
  return loadTree(source, narrowed.root)
}

/** Throws UNSUPPORTED. A docker archive of up to 24 has no place for manifests; one that was derived is derived again. */
const checkPreserved = (destination: string, trees: readonly Tree[], losses: readonly Loss[]): void => {
  const noManifests = parseDestination(destination).kind === 'docker-archive'
  const homeless = noManifests && trees.some(({ root }) => root.origin === 'document')
  const reasons = [
    ...losses.map(({ what, why }) => `${what} (${why})`),
    ...(homeless ? ['a docker archive holds no manifests'] : []),
  ]
  if (reasons.length > 0)
    throw new LadingError('UNSUPPORTED', `Digests cannot be preserved: ${reasons.join(', ')}`)
}

/** A store is a destination like any other; its query is the name that the image gets. */
const openDestination = async ({
  destination,
  storeDirectory,
  compress,
  platform,
  preserveDigests,
}: ConvertOptions): Promise<ImageSink> => {
  const place = parseDestination(destination)
  if (preserveDigests && compress !== undefined)
    throw new LadingError(
      'USAGE',
      'Layers cannot be re-encoded and keep their digests: leave out --compress or --preserve-digests',
    )
  const options = { ...(compress && { compress }), ...(platform && { platform }) }
  if (place.kind !== 'store') return openSink(place, options)
  const session = await (await openStore(storeDirectory, { create: true })).session()
  if (place.query === undefined) return session
  const name = withDefaultTag(parseReference(place.query))
  return {
    place: session.place,
    write: tree => session.write({ ...tree, root: { ...tree.root, names: [name] } }),
    commit: () => session.commit(),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
