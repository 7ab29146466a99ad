import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'
import { withLock } from '../../store/file-lock.js'
import type { GroupEntry } from '../cgroup/control-group.js'
import { hostControlGroups } from '../cgroup/host.js'
import { pruneRootfs } from '../rootfs/prune.js'
import { isRootless } from '../rootless/is-rootless.js'
import { isThere } from './folders-at-work.js'
import { isDoomed, settleLost } from './leftovers.js'
import { type ContainersPlaces, recordPlaces } from './places.js'
import { listIds, listRecords, removeRemains, withRecordLock } from './record.js'
import { removeFiles } from './remove.js'
import { isActive } from './state.js'
import { idOfName } from './taken-names.js'
import { removeKeptUserFiles } from './user-files.js'

export interface PrunedContainers {
  /** IDs of containers that did not run. */
  readonly containers: readonly string[]
  /** Of containers that are gone: control groups, links and addresses. */
  readonly groups: readonly string[]
  readonly links: readonly string[]
  readonly addresses: readonly string[]
}

/** After the containers: what the store keeps for root file systems that neither an image nor a container needs. */
export const pruneKeptFiles = (
  all: ContainersPlaces,
  images: readonly (readonly Digest[])[],
): Promise<readonly string[]> =>
  pruneRootfs({
    storeDirectory: all.store,
    images,
    containers: () => listIds(all).map(id => recordPlaces(join(all.containers, id)).rootfs),
  })

/**
 * Remove containers that do not run, and everything that killed processes of lading left of others. Those that run, or are just
 * being started, stay.
 */
export const pruneContainers = (all: ContainersPlaces): Promise<PrunedContainers> =>
  withLock(all.pruneLock, 'exclusive', () => pruneAll(all))

const pruneAll = async (all: ContainersPlaces): Promise<PrunedContainers> => {
  const containers: string[] = []
  for (const container of listRecords(all)) {
    if (isActive(container.state) && !isDoomed(container)) continue
    try {
      await withRecordLock(container, async current => {
        if (isActive(current.state) && !isDoomed(current)) return
        await settleLost(current)
        await removeFiles(current, { volumes: true })
        containers.push(current.settings.id)
      })
    } catch (error) {
      // Somebody else was faster.
      if (!(error instanceof LadingError) || error.code !== 'NOT_FOUND') throw error
    }
  }
  await removeRemains(all)
  removeKeptUserFiles(all)
  removeStaleNames(all)
  const pruned = { containers, ...(await pruneGroups(all)), ...(await pruneLinks(all)) }
  if (isRootless()) await (await import('../rootless/user-namespace.js')).endUserNamespace(all)
  return pruned
}

const removeStaleNames = (all: ContainersPlaces): void => {
  if (!existsSync(all.names)) return
  for (const name of readdirSync(all.names)) {
    const id = idOfName(all, name)
    if (id === undefined || !isThere(all, id)) rmSync(join(all.names, name), { force: true })
  }
}

/**
 * Groups are named by IDs alone: another store's container has its record elsewhere, and processes in its group, or gets one in a
 * moment.
 */
const pruneGroups = async (all: ContainersPlaces): Promise<{ groups: readonly string[] }> => {
  if (isRootless()) return { groups: [] }
  const groups = hostControlGroups()
  const removed: string[] = []
  for (const id of await groups.list()) {
    if (isThere(all, id)) continue
    const group = groups.find(id)
    if ((await group.processes()).length > 0 || isYoung(group.entry)) continue
    await group.remove()
    removed.push(id)
  }
  return { groups: removed }
}

const isYoung = (entry: GroupEntry): boolean => {
  const folders = entry.version === 1 ? entry.folders : entry.version === 2 ? [entry.folder] : []
  return folders.some(folder => {
    const status = statSync(folder, { throwIfNoEntry: false })
    return status !== undefined && Date.now() - status.mtimeMs < 60_000
  })
}

const pruneLinks = async (
  all: ContainersPlaces,
): Promise<{ links: readonly string[]; addresses: readonly string[] }> => {
  if (!existsSync(all.network)) return { links: [], addresses: [] }
  const { openNetwork } = await import('../network/bridge.js')
  const { pruneNetwork } = await import('../network/join.js')
  const { network } = await openNetwork(all.network)
  return pruneNetwork(network, async () => new Set(listIds(all)))
}
