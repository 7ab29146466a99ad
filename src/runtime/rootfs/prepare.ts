/**
 * The root file systems of containers: made ready, made ready again for a container that was stopped, removed.
 * In the folder of each is `rootfs.json`, which says what is needed to mount it.
 *
 * What is checked when: manifest and config are, whenever an image is opened. Layers of the store were when they
 * came in. Layers that are unpacked or inflated (kinds `overlay` and `copy`, and compressed ones) are, before
 * they are used. Layers that lie uncompressed in an archive are not before a container starts from them with
 * kind `erofs`: only their headers are read, to list the files. `verifyLayers` (verify-layers.ts) reads them all, beside the container.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PickedImage } from '../../image/pick-image.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { LadingError } from '../../spec/errors.js'
import type { ProgramStep } from '../launcher/program.js'
import type { RootfsKind } from '../settings.js'
import { chooseRootfs, type RootfsChoice } from './choose.js'
import { releaseLoops } from './loop-device.js'
import { probeRootfs } from './probe.js'
import { type RootfsRecord, readRecord, recordName } from './record.js'
import type { Rootfs, RootfsPlace } from './rootfs.js'
import { type RootfsFolders, rootfsFolders } from './store-folders.js'

/** An image and the open place that it was found in. */
export type ImageToRun = PickedImage & { readonly source: AnySource }

export interface PrepareOptions {
  readonly image: ImageToRun
  readonly place: RootfsPlace
  /** The folder of the store, which keeps what several containers share. */
  readonly storeDirectory: string
  /** The best that the kernel can do, if absent. */
  readonly kind?: RootfsKind
  /** Whether nobody will look at the container's files when it is done: nothing is synced. */
  readonly throwAway?: boolean
}

/** Each is loaded where it is used: a container starts from one. */
const kinds = {
  erofs: () => import('./erofs-rootfs.js'),
  overlay: () => import('./overlay-rootfs.js'),
  copy: () => import('./copy-rootfs.js'),
}

/** All that is in a place's folder. */
const names = [recordName, 'image', 'd', 'l', 'lower', 'upper', 'work', 'tree']

/**
 * Make the root file system of a new container ready in its folder. Throws UNSUPPORTED for a kind that does not
 * work here; when it throws, the folder is as it was.
 */
export const prepareRootfs = async (options: PrepareOptions): Promise<Rootfs> => {
  const { place, storeDirectory, kind: wanted } = options
  const folders = rootfsFolders(storeDirectory)
  const choice = chooseRootfs(await probeRootfs(folders, place.folder, place.rootless), wanted)
  if (choice.kind !== 'overlay') {
    try {
      return await prepareAs(options, folders, choice)
    } catch (error) {
      // Somebody may have removed a list of files between the look at it and the link to it.
      if (!(error instanceof LadingError) || error.code !== 'NOT_FOUND') throw error
    }
  }
  mkdirSync(folders.root, { recursive: true, mode: 0o700 })
  const { withLock } = await import('../../store/file-lock.js')
  return withLock(folders.lock, 'shared', () => prepareAs(options, folders, choice))
}

const prepareAs = async (
  { image, place, throwAway = false }: PrepareOptions,
  folders: RootfsFolders,
  { kind, source, why }: RootfsChoice,
): Promise<Rootfs> => {
  const { folder, rootless } = place
  try {
    const rest = { why, rootless, throwAway }
    let record: RootfsRecord = { kind: 'copy', ...rest }
    if (kind === 'erofs') {
      const { prepareErofs } = await kinds.erofs()
      record = { kind, ...rest, ...(await prepareErofs(folder, image, folders, source)) }
    } else if (kind === 'overlay') {
      const { prepareOverlay } = await kinds.overlay()
      record = { kind, ...rest, ...(await prepareOverlay(folder, image, folders)) }
    } else await (await kinds.copy()).prepareCopy(folder, image)
    writeFileSync(join(folder, recordName), JSON.stringify(record), { mode: 0o600 })
    return await toRootfs(place, record)
  } catch (error) {
    await removeRootfs(place)
    throw error
  }
}

/**
 * The root file system of a container that was stopped, with all that it has changed. Throws NOT_FOUND when there
 * is none, or a layer of it is gone; UNSUPPORTED when an archive has changed since.
 */
export const reopenRootfs = async (place: RootfsPlace): Promise<Rootfs> => {
  const record = await readRecord(place)
  if (record.kind === 'erofs') (await kinds.erofs()).checkErofs(place.folder, record)
  if (record.kind === 'overlay') await (await kinds.overlay()).checkOverlay(record)
  // Overlayfs refuses a work folder of a volatile mount, whose files may not have reached the disk.
  if (record.throwAway) {
    const { removeTree } = await import('./remove-tree.js')
    await removeTree(join(place.folder, 'work', 'work', 'incompat'))
  }
  return toRootfs(place, record)
}

/** Remove what was made in the folder; nothing happens where nothing is. Nothing may have it mounted. */
export const removeRootfs = async ({ folder }: RootfsPlace): Promise<void> => {
  const { removeTree } = await import('./remove-tree.js')
  releaseLoops(folder)
  for (const name of names) await removeTree(join(folder, name))
}

const toRootfs = async ({ folder }: RootfsPlace, record: RootfsRecord): Promise<Rootfs> => {
  const { kind, why } = record
  if (kind === 'copy') {
    const { copySteps } = await kinds.copy()
    return { kind, why, tree: join(folder, 'tree'), steps: copySteps(folder) }
  }
  const steps: (target: string) => readonly ProgramStep[] =
    kind === 'erofs'
      ? await (await kinds.erofs()).erofsSteps(folder, record, record)
      : (await kinds.overlay()).overlaySteps(folder, record, record)
  return { kind, why, upper: join(folder, 'upper'), steps, release: () => releaseLoops(folder) }
}
