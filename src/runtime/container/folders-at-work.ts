/**
 * Folders of containers that are being made or removed: whoever looks for containers does not see them. Their names say
 * which process is at it, so that what it leaves when it dies is known from the first moment to the last.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readBootId } from '../../store/boot-id.js'
import type { ContainersPlaces } from './places.js'
import { isAlive, ownIdentity } from './process-identity.js'

/** Of a folder that this process makes or removes. */
export const nameAtWork = (work: 'new' | 'old', id: string): string => {
  const { pid, startTime } = ownIdentity()
  return `.${work}-${pid}-${startTime}-${id}`
}

/** Whether the name is of such a folder, and who was at it is no more. */
export const isLeft = (name: string): boolean => {
  const [, pid, startTime] = /^\.(?:new|old)-(\d+)-(\d+)-/.exec(name) ?? []
  if (pid === undefined) return false
  return !isAlive({ pid: Number(pid), startTime: Number(startTime), boot: readBootId() })
}

/** All folders of containers, these too. */
export const folderNames = (all: ContainersPlaces): readonly string[] => {
  try {
    return readdirSync(all.containers)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Whether there is a container of the ID, or one is being made, which becomes one: so it is looked for first. */
export const isThere = (all: ContainersPlaces, id: string): boolean =>
  folderNames(all).some(name => name.startsWith('.new-') && name.endsWith(`-${id}`)) ||
  existsSync(join(all.containers, id))
