import { closeSync, openSync, writeSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { Platform } from '../../spec/platform.js'
import { isRootless } from '../rootless/is-rootless.js'
import type { ContainerFlags } from './flags.js'
import { type OpenedImage, openImage } from './image.js'
import { merge } from './merge.js'
import type { ContainersPlaces } from './places.js'
import { type Container, createRecord, type Draft, dropDraft, openDraft } from './record.js'
import { removeFiles } from './remove.js'
import { volumesOf } from './volumes.js'

export interface CreateOptions {
  readonly all: ContainersPlaces
  /** A name in the store, or any place or path of an archive. */
  readonly reference: string
  readonly flags: ContainerFlags
  readonly platform?: Platform
  /** Where to write the ID; there must be no such file. */
  readonly cidfile?: string
  /** This process will start it at once. */
  readonly watched?: boolean
  readonly env?: NodeJS.ProcessEnv
  readonly onStep?: (step: string) => void
}

export interface CreatedContainer {
  readonly container: Container
  /** To be closed by the caller. */
  readonly image: OpenedImage
}

/** Make a container of an image; nothing runs yet. Whatever fails, nothing is left. Throws USAGE, NOT_FOUND, AMBIGUOUS. */
export const createContainer = async (options: CreateOptions): Promise<CreatedContainer> => {
  const { all, reference, flags, platform, onStep = () => {} } = options
  const image = await openImage({ reference, storeDirectory: all.store, ...(platform && { platform }) })
  let draft: Draft | undefined
  try {
    onStep(`Image found: ${visible(reference)} (${image.described.id})`)
    draft = await openDraft(all, flags.name)
    const settings = merge(image.image.config.config, flags, {
      id: draft.id,
      name: draft.name,
      created: new Date().toISOString(),
      image: image.described,
      env: options.env ?? process.env,
      rootless: isRootless(),
    })
    if (options.cidfile !== undefined) writeCidfile(options.cidfile, draft.id)
    const container = createRecord(all, draft, settings, image.image.manifest.descriptor, {
      watched: options.watched ?? false,
    })
    draft = undefined
    try {
      await checkPinned(image)
      if (volumesOf(settings).length > 0) {
        const { fillVolumes } = await import('./fill-volumes.js')
        await fillVolumes(container, image)
      }
    } catch (error) {
      await removeFiles(container, { volumes: true })
      throw error
    }
    onStep(`Container created: ${settings.name} (${settings.id.slice(0, 12)})`)
    return { container, image }
  } catch (error) {
    if (draft) dropDraft(all, draft)
    await image[Symbol.asyncDispose]()
    throw error
  }
}

/** A sweep that began before the record was there may have taken the image. */
const checkPinned = async ({ source, image, described }: OpenedImage): Promise<void> => {
  if (source.format !== 'store' || (await source.hasBlob(image.manifest.descriptor.digest))) return
  throw new LadingError('NOT_FOUND', `The image ${visible(described.reference)} was removed just now`)
}

const writeCidfile = (path: string, id: string): void => {
  let descriptor: number
  try {
    descriptor = openSync(path, 'wx', 0o644)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const problem =
      code === 'EEXIST'
        ? `Container ID file found, make sure the other container isn't running or delete ${visible(path)}`
        : `Cannot write the container ID to ${visible(path)}: ${code}`
    throw new LadingError(code === 'EEXIST' ? 'CONFLICT' : 'USAGE', problem)
  }
  try {
    writeSync(descriptor, id)
  } finally {
    closeSync(descriptor)
  }
}
