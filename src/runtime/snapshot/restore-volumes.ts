import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fillVolumes } from '../container/fill-volumes.js'
import type { OpenedImage } from '../container/image.js'
import { isAnonymousVolume } from '../container/mounts.js'
import type { ContainersPlaces } from '../container/places.js'
import { volumeFolder, volumesOf } from '../container/volumes.js'
import type { ContainerSettings } from '../settings.js'
import type { ChangesLayer } from './fill-upper.js'
import { readVolume } from './volume-files.js'

export interface RestoredVolumes {
  /** What each is called now. */
  readonly names: ReadonlyMap<string, string>
  /** Once: with the files in `layers`, by their old names; one that is not there as a new one, with what the image has. */
  fill(image: OpenedImage, layers: ReadonlyMap<string, ChangesLayer>): Promise<void>
}

/** Make all volumes of a container anew: one that is there already is another's, and stays as it is. */
export const makeVolumes = (all: ContainersPlaces, settings: ContainerSettings): RestoredVolumes => {
  const names = new Map<string, string>()
  const made = { names, fill }
  try {
    for (const volume of new Set(volumesOf(settings))) names.set(volume, makeVolume(all, volume))
  } catch (error) {
    removeVolumes(all, made)
    throw error
  }
  return made

  async function fill(image: OpenedImage, layers: ReadonlyMap<string, ChangesLayer>): Promise<void> {
    for (const [volume, layer] of layers) {
      const name = names.get(volume)
      if (name !== undefined) await readVolume(volumeFolder(all, name), layer.toc, layer.bytes)
    }
    const mounts = settings.mounts.flatMap(mount =>
      mount.type !== 'volume' || layers.has(mount.volume)
        ? []
        : [{ ...mount, volume: names.get(mount.volume)! }],
    )
    if (mounts.length > 0) await fillVolumes({ settings: { ...settings, mounts }, all }, image)
  }
}

export const removeVolumes = (all: ContainersPlaces, { names }: Pick<RestoredVolumes, 'names'>): void => {
  for (const name of names.values()) rmSync(join(all.volumes, name), { recursive: true, force: true })
}

/** Its name: making the folder is taking it. */
const makeVolume = (all: ContainersPlaces, volume: string): string => {
  mkdirSync(all.volumes, { recursive: true, mode: 0o700 })
  for (let name = isAnonymousVolume(volume) ? randomBytes(32).toString('hex') : volume; ; ) {
    try {
      mkdirSync(join(all.volumes, name), { mode: 0o700 })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      name = `${volume}-${randomBytes(4).toString('hex')}`
      continue
    }
    mkdirSync(volumeFolder(all, name), { mode: 0o755 })
    chmodSync(volumeFolder(all, name), 0o755)
    return name
  }
}
