import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { silent } from '../bytes/progress.js'
import type { Snapshot } from '../image/snapshot.js'
import type { AnySource } from '../image/wrapped-source.js'
import { LadingError } from '../spec/errors.js'
import { containerAt, type OpenOptions, openSource } from './open.js'
import { isSnapshotPlace, type Place, type SnapshotPlace } from './place.js'

/** A place holds images, or one file tree. */
export type OpenedPlace = { readonly source: AnySource } | { readonly snapshot: Snapshot }

/**
 * Open a place of either kind. A bare path is taken for images if it can be, otherwise for what it is: a flat
 * tar or a folder. A container is an image, unless it is the tree that is wanted: to look at some files, or
 * all of them. Throws as openSource does where it is neither.
 */
export const openPlace = async (
  place: Place,
  { tree, ...options }: OpenOptions & { readonly tree?: 'look' | 'whole' } = {},
): Promise<OpenedPlace> => {
  if (isSnapshotPlace(place)) return { snapshot: await openSnapshot(place, options) }
  if (place.kind === 'unknown' && place.query === undefined && isPlainFolder(place.path))
    return { snapshot: await openSnapshot({ kind: 'dir', path: place.path }) }
  const container = tree && (await containerAt(place, options))
  if (container) {
    const { opener, query } = container
    const { progress = silent } = options
    return { snapshot: await opener.files(query, { whole: tree === 'whole', progress }) }
  }
  try {
    return { source: await openSource(place, options) }
  } catch (error) {
    if (place.kind !== 'unknown' || place.path === '-' || !isTar(error)) throw error
    return { snapshot: await openSnapshot({ kind: 'rootfs', path: place.path }) }
  }
}

// Its modules are loaded only here: most places hold images.
export const openSnapshot = async (
  { kind, path }: SnapshotPlace,
  { stdin }: OpenOptions = {},
): Promise<Snapshot> =>
  kind === 'dir'
    ? (await import('./directory/source.js')).openDirectory(path)
    : (await import('./rootfs-tar/source.js')).openRootfsTar(path, stdin)

const isPlainFolder = (path: string): boolean =>
  path !== '-' &&
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true &&
  !existsSync(join(path, 'index.json'))

const isTar = (error: unknown): boolean =>
  error instanceof LadingError &&
  error.code === 'NOT_AN_IMAGE' &&
  ['rootfs', 'layer', 'tar'].includes(String(error.data.kind))
