import { type ProgressTask, silent } from '../bytes/progress.js'
import { openSpoolFile, type SpoolFile } from '../bytes/spool-file.js'
import type { Root, Tree } from '../image/interfaces.js'
import type { Loss } from '../image/loss.js'
import { narrowToPlatform, platformOf } from '../image/narrow.js'
import { pickImage } from '../image/pick-image.js'
import { bytesOf } from '../image/tree-size.js'
import { loadTree } from '../image/view.js'
import { type AnySource, observed } from '../image/wrapped-source.js'
import { applyChanges } from '../spec/changes.js'
import { during, LadingError } from '../spec/errors.js'
import type { Platform } from '../spec/platform.js'
import { openPlace } from '../transports/open-place.js'
import { type ImagePlace, isSnapshotPlace, parseDestination, parsePlace } from '../transports/place.js'
import { type ConvertOptions, type ConvertResult, openDestination } from './convert-destination.js'
import { importInto, writeSnapshot } from './convert-snapshot.js'
import { rewriteImage } from './rewrite-image.js'

export type { ConvertOptions, ConvertResult }

/**
 * Any place to any other, as it is or changed on the way: layers made one, the config changed, layers
 * re-encoded; an image to the file tree that it shows, a file tree to an image of one layer. The destination appears whole, or not at all.
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
  const { storeDirectory, preserveDigests, containers, progress = silent } = options
  const [from, to] = [parsePlace(options.source), parseDestination(options.destination)]
  if (isSnapshotPlace(to)) return writeSnapshot(options, to)
  if (isSnapshotPlace(from)) return importInto(options, to)
  const opened = await openPlace(from, { storeDirectory, progress, ...(containers && { containers }) })
  if ('snapshot' in opened) {
    await opened.snapshot[Symbol.asyncDispose]()
    return importInto(options, to)
  }
  await using images = opened.source
  await using spool = await openSpoolFile()
  let task: ProgressTask | undefined
  const source = observed(images, bytes => task?.advance(bytes))
  const { trees, losses } = await treesFor(source, options, spool)
  await using destination = await openDestination(options, to)
  for (const tree of trees) await destination.sink.write(tree)
  task = progress.begin('Converting', bytesOf(trees))
  if (preserveDigests) checkPreserved(to, trees, losses)
  const committed = await destination.sink.commit()
  task.end()
  return {
    images: trees.map(({ root }) => ({ names: root.names, digest: root.descriptor.digest })),
    losses: [...losses, ...committed.losses],
    warnings: [...images.warnings],
  }
}

/** What is written: every image as it is, or the one that is rewritten. */
const treesFor = async (
  source: AnySource,
  { platform, flatten, squash: range, changes = [], history = 'collapse' }: ConvertOptions,
  spool: SpoolFile,
): Promise<{ trees: readonly Tree[]; losses: readonly Loss[] }> => {
  if (flatten || range || changes.length > 0) {
    const { tree, image } = await pickImage(source, platform)
    const squash = flatten && image.layers.length > 0 ? { from: 1, to: image.layers.length } : range
    const rewrite = { history, changes, ...(squash && { squash }) }
    const rewritten = await rewriteImage(source, tree.root, image, rewrite, spool)
    const { losses } = narrowToPlatform(tree, platformOf(image))
    return { trees: [rewritten.tree], losses: [...losses, ...rewritten.losses] }
  }
  const trees: Tree[] = []
  const losses: Loss[] = []
  for (const root of await source.roots()) trees.push(await wholeTree(source, root, platform, losses))
  return { trees, losses }
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
const checkPreserved = (to: ImagePlace, trees: readonly Tree[], losses: readonly Loss[]): void => {
  const homeless = to.kind === 'docker-archive' && trees.some(({ root }) => root.origin === 'document')
  const reasons = [
    ...losses.map(({ what, why }) => `${what} (${why})`),
    ...(homeless ? ['a docker archive holds no manifests'] : []),
  ]
  if (reasons.length > 0)
    throw new LadingError('UNSUPPORTED', `Digests cannot be preserved: ${reasons.join(', ')}`)
}
