import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { Bind } from '../launcher/prepared.js'
import type { ContainerSettings } from '../settings.js'
import { isAnonymousVolume } from './mounts.js'
import type { ContainersPlaces } from './places.js'

/** The files of a volume. */
export const volumeFolder = (all: Pick<ContainersPlaces, 'volumes'>, volume: string): string =>
  join(all.volumes, volume, '_data')

export const volumesOf = (settings: ContainerSettings): readonly string[] =>
  settings.mounts.flatMap(mount => (mount.type === 'volume' ? [mount.volume] : []))

/**
 * Make a volume that is not there yet, with what the image has at `path` in it, as docker does: a program finds in
 * a new volume what its image brought. An existing one stays as it is, unless it is empty.
 */
export const makeVolume = async (
  all: ContainersPlaces,
  volume: string,
  path: string,
  fill: (folder: string, path: string) => Promise<void>,
): Promise<void> => {
  const folder = volumeFolder(all, volume)
  const isNew = mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined
  if (isNew) chmodSync(folder, 0o755)
  if (readdirSync(folder).length === 0) await fill(folder, path)
}

/** What is mounted from the host: a missing source of -v becomes a folder, as docker has it. Throws USAGE. */
export const bindsOf = (
  all: Pick<ContainersPlaces, 'volumes'>,
  settings: ContainerSettings,
): readonly Bind[] =>
  settings.mounts.flatMap(mount => {
    if (mount.type === 'tmpfs') return []
    const source = mount.type === 'bind' ? mount.source : volumeFolder(all, mount.volume)
    if (mount.type === 'bind' && statSync(source, { throwIfNoEntry: false }) === undefined) makeSource(source)
    const is = statSync(source, { throwIfNoEntry: false })?.isDirectory() ? 'folder' : 'file'
    return [{ source, target: mount.target, readonly: mount.readonly, is } as const]
  })

const makeSource = (source: string): void => {
  try {
    mkdirSync(source, { recursive: true, mode: 0o755 })
  } catch (error) {
    throw new LadingError(
      'USAGE',
      `Cannot mount ${visible(source)}: there is no such file, and no folder can be made (${(error as NodeJS.ErrnoException).code})`,
    )
  }
}

/** Volumes without a name go with their container. */
export const removeAnonymousVolumes = (all: ContainersPlaces, settings: ContainerSettings): void => {
  for (const volume of volumesOf(settings))
    if (isAnonymousVolume(volume)) rmSync(join(all.volumes, volume), { recursive: true, force: true })
}
