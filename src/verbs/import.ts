import type { ByteStream } from '../bytes/byte-stream.js'
import { digestOf } from '../bytes/hasher.js'
import { type Progress, silent } from '../bytes/progress.js'
import { expectWork } from '../bytes/threads.js'
import type { CommitResult } from '../image/interfaces.js'
import type { Loss, Warning } from '../image/loss.js'
import { loadTree } from '../image/view.js'
import { applyChanges } from '../spec/changes.js'
import type { ImageConfig } from '../spec/config.js'
import type { Digest } from '../spec/digest.js'
import { during, LadingError } from '../spec/errors.js'
import { parseReference, type Reference, withDefaultTag } from '../spec/reference.js'
import type { Store } from '../store/store.js'
import { withImage } from './open-image.js'
import { imageOfSnapshot, type SnapshotImageOptions } from './snapshot-image.js'
import { openSnapshotInput } from './snapshot-input.js'

export interface ImportOptions extends Omit<SnapshotImageOptions, 'config' | 'names' | 'createdBy'> {
  /** A file, a folder, a URL, or `-` for standard input. */
  readonly input: string
  readonly store: Store
  readonly name?: string
  /** A place whose image's config is taken in place of what the snapshot carries. */
  readonly configFrom?: string
  readonly progress?: Progress
  readonly stdin?: ByteStream
}

export interface ImportResult {
  readonly id: Digest
  readonly digest: Digest
  readonly name?: Reference
  /** Whether a config came along with the snapshot. */
  readonly restored: boolean
  readonly moved: CommitResult['moved']
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * A flat tar, or a folder, as an image of one layer in the store; a tar is kept as it came. The config is what
 * the snapshot carries, or another image's, or empty, with the changes applied. All or nothing.
 */
export const importSnapshot = async (options: ImportOptions): Promise<ImportResult> => {
  try {
    // What can be wrong with the command is told before any data is read.
    const name = options.name === undefined ? undefined : readName(options.name)
    applyChanges({}, options.changes ?? [])
    return await importAll(options, name)
  } catch (error) {
    throw during(`Cannot import ${options.input === '-' ? 'standard input' : options.input}`, error)
  }
}

const readName = (text: string): Reference => {
  const name = parseReference(text)
  if (name.digest !== undefined)
    throw new LadingError('USAGE', `${JSON.stringify(text)} has a digest: what is imported has its own`)
  return withDefaultTag(name)
}

const importAll = async (options: ImportOptions, name: Reference | undefined): Promise<ImportResult> => {
  const { input: text, name: _, configFrom, store, progress = silent, stdin, ...rest } = options
  const config = configFrom === undefined ? undefined : await configOf(configFrom, store)
  await using input = await openSnapshotInput(text, stdin)
  expectWork(input.file?.length ?? 0)
  await using session = await store.session()
  const made = await imageOfSnapshot(input, session, progress, {
    ...{ ...rest, createdBy: 'lading import', names: name ? [name] : [] },
    ...(config && { config }),
  })
  await session.write(await loadTree(made.source, made.root))
  const { moved, losses } = await session.commit()
  return {
    id: digestOf(made.config),
    digest: made.root.descriptor.digest,
    ...(name && { name }),
    ...{ restored: made.restored, moved, losses: [...losses, ...made.losses], warnings: made.warnings },
  }
}

const configOf = (place: string, store: Store): Promise<ImageConfig> =>
  withImage({ place, storeDirectory: store.directory }, async ({ image }) => image.config)
