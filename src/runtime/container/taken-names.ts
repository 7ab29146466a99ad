import { mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { isThere } from './folders-at-work.js'
import { randomName } from './names.js'
import type { ContainersPlaces } from './places.js'

/** The ID that goes by a name; undefined where nobody does. */
export const idOfName = (all: ContainersPlaces, name: string): string | undefined => {
  try {
    return readlinkSync(join(all.names, name))
  } catch {
    return undefined
  }
}

const link = (all: ContainersPlaces, name: string, id: string): boolean => {
  try {
    symlinkSync(id, join(all.names, name))
    return true
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    if (code !== 'ENOENT') throw error
    mkdirSync(all.names, { recursive: true, mode: 0o700 })
    return link(all, name, id)
  }
}

/**
 * Take a name, which the kernel gives to one only. One whose container is gone (its maker died) is taken over, under a
 * lock. Throws CONFLICT in docker's words when another container has it.
 */
export const takeName = async (all: ContainersPlaces, name: string, id: string): Promise<void> => {
  if (link(all, name, id)) return
  const { withLock } = await import('../../store/file-lock.js')
  await withLock(all.namesLock, 'exclusive', async () => {
    checkNameFree(all, name)
    rmSync(join(all.names, name), { force: true })
    link(all, name, id)
  })
}

/** For whoever has much to do before it takes the name. Throws CONFLICT as takeName does. */
export const checkNameFree = (all: ContainersPlaces, name: string): void => {
  const owner = idOfName(all, name)
  if (owner !== undefined && isThere(all, owner))
    throw new LadingError(
      'CONFLICT',
      `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name`,
      { data: { name, owner } },
    )
}

/** Take a name of our own making that is free. */
export const takeRandomName = (all: ContainersPlaces, id: string): string => {
  for (let attempt = 0; ; attempt++) {
    const name = randomName(attempt)
    if (link(all, name, id)) return name
  }
}

/** Give a name back; another's stays. */
export const dropName = (all: ContainersPlaces, name: string, id: string): void => {
  if (idOfName(all, name) === id) rmSync(join(all.names, name), { force: true })
}
