import { silent } from '../bytes/progress.js'
import { openSpoolFile } from '../bytes/spool-file.js'
import { StopFlag } from '../bytes/threads.js'
import { lossesAt } from '../image/capabilities.js'
import { contentsToVerify, type UnverifiedContents } from '../image/file-content.js'
import { loadTree } from '../image/view.js'
import { bytesOfTree } from '../layer/disk/rows-of-tree.js'
import { LadingError } from '../spec/errors.js'
import { openDirectoryOutput } from '../transports/directory/sink.js'
import type { ImagePlace, SnapshotPlace } from '../transports/place.js'
import { type ConvertOptions, type ConvertResult, openDestination } from './convert-destination.js'
import { exportSnapshot, possessionsOf } from './export.js'
import { type OpenImage, withTree } from './open-tree.js'
import { imageOfSnapshot } from './snapshot-image.js'
import { openSnapshotInput } from './snapshot-input.js'

/** convert to a flat tar or a folder. Throws USAGE for what only images have. */
export const writeSnapshot = async (options: ConvertOptions, to: SnapshotPlace): Promise<ConvertResult> => {
  checkOptions(options)
  const { source: place, storeDirectory, platform, compress, changes = [], progress, containers } = options
  const look = {
    ...{ place, storeDirectory },
    ...(platform && { platform }),
    ...(progress && { progress }),
    ...(containers && { containers }),
  }
  if (to.kind === 'dir') {
    if (changes.length > 0 || compress !== undefined)
      throw new LadingError('USAGE', 'A folder has no config to change, and is not compressed')
    return unpackInto(options, to.path)
  }
  const { algorithm = 'none', ...level } = compress ?? {}
  const { losses, warnings } = await exportSnapshot({
    ...{ ...look, output: to.path, changes },
    ...(algorithm !== 'none' && { compress: { algorithm, ...level } }),
  })
  return { images: [], losses, warnings }
}

const unpackInto = async (
  { source: place, storeDirectory, platform, containers, progress = silent }: ConvertOptions,
  path: string,
): Promise<ConvertResult> => {
  const output = openDirectoryOutput(path)
  await using spool = await openSpoolFile()
  // Layers are verified from here on, beside all that follows.
  let verifying: Promise<UnverifiedContents> | undefined
  const begin = ({ source, image }: OpenImage): AsyncDisposable => {
    verifying = contentsToVerify(source, image, spool)
    const begun = verifying.catch(() => undefined)
    return { [Symbol.asyncDispose]: async () => endOf(await begun) }
  }
  const options = {
    ...{ place, storeDirectory, progress, begin, whole: true },
    ...(platform && { platform }),
    ...(containers && { containers }),
  }
  return await withTree(options, async opened => {
    const { tree, contents, snapshot, warnings } = opened
    const unverified = await (verifying ?? { contents, verified: Promise.resolve(), stop: new StopFlag() })
    const task = progress.begin('Unpacking', bytesOfTree(tree))
    const made = await output.write(tree, unverified, bytes => task.advance(bytes))
    task.end()
    const losses = [...(snapshot?.losses ?? []), ...lossesAt('dir', possessionsOf(opened, place)), ...made]
    return { images: [], losses, warnings }
  })
}

/** Layers are being read until their verification has ended, however that is. */
const endOf = async (unverified: UnverifiedContents | undefined): Promise<void> => {
  unverified?.stop.raise()
  await unverified?.verified.catch(() => {})
}

/** convert of a flat tar or a folder to an image of one layer. Throws USAGE for what takes more layers. */
export const importInto = async (options: ConvertOptions, to: ImagePlace): Promise<ConvertResult> => {
  checkOptions(options)
  const { changes = [], platform, progress = silent } = options
  await using input = await openSnapshotInput(options.source)
  await using destination = await openDestination(options, to)
  const made = await imageOfSnapshot(input, destination.stage, progress, {
    ...{ changes, createdBy: 'lading convert', names: 'carried' },
    ...(platform && { platform }),
  })
  await destination.sink.write(await loadTree(made.source, made.root))
  const { losses } = await destination.sink.commit()
  return {
    images: [{ names: made.root.names, digest: made.root.descriptor.digest }],
    losses: [...made.losses, ...losses],
    warnings: made.warnings,
  }
}

const checkOptions = ({ squash, preserveDigests }: ConvertOptions): void => {
  if (squash) throw new LadingError('USAGE', 'Cannot make some layers one: a snapshot is one file tree')
  if (preserveDigests)
    throw new LadingError('USAGE', 'Digests cannot be preserved: a snapshot has none of manifests and layers')
}
