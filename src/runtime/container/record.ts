import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Descriptor } from '../../spec/descriptor.js'
import { LadingError } from '../../spec/errors.js'
import type { ContainerSettings } from '../settings.js'
import { folderNames, isLeft, nameAtWork } from './folders-at-work.js'
import { checkName } from './names.js'
import { type ContainersPlaces, type RecordPlaces, recordPlaces } from './places.js'
import { identify, isAlive, ownIdentity } from './process-identity.js'
import { readRecordFile, writeRecordFile } from './record-file.js'
import { type ContainerState, createdState, isActive, settled } from './state.js'
import { dropName, takeName, takeRandomName } from './taken-names.js'

/** A container as its record has it. */
export interface Container {
  readonly settings: ContainerSettings
  /** As it was read, with what is known to be true instead where nobody noted the end. */
  readonly state: ContainerState
  readonly places: RecordPlaces
  readonly all: ContainersPlaces
}

/** A container that is about to be: its ID and name are its own from now on. */
export interface Draft {
  readonly id: string
  readonly name: string
  /** Whoever looks for containers does not see it. */
  readonly folder: string
}

/** Begin a record. To be ended by createRecord or dropDraft. Throws USAGE for a bad name, CONFLICT for a taken one. */
export const openDraft = async (all: ContainersPlaces, wantedName?: string): Promise<Draft> => {
  const wanted = wantedName === undefined ? undefined : checkName(wantedName)
  const id = randomBytes(32).toString('hex')
  const folder = join(all.containers, nameAtWork('new', id))
  mkdirSync(all.containers, { recursive: true, mode: 0o700 })
  mkdirSync(folder, { mode: 0o700 })
  try {
    if (wanted !== undefined) await takeName(all, wanted, id)
    return { id, folder, name: wanted ?? takeRandomName(all, id) }
  } catch (error) {
    rmSync(folder, { recursive: true })
    throw error
  }
}

export const dropDraft = (all: ContainersPlaces, { id, name, folder }: Draft): void => {
  dropName(all, name, id)
  rmSync(folder, { recursive: true, force: true })
}

/**
 * Write the record, whole or not at all, with the pin of its image: whoever makes it has looked up the image before and looks
 * afterwards whether it is still there. With `watched`, this process is about to start it.
 */
export const createRecord = (
  all: ContainersPlaces,
  draft: Draft,
  settings: ContainerSettings,
  image: Descriptor,
  { watched = false } = {},
): Container => {
  const state: ContainerState = watched ? { ...createdState, watcher: ownIdentity() } : createdState
  // What goes when its program ends need not survive a power cut.
  const durable = { durable: !settings.autoRemove }
  const drafts = recordPlaces(draft.folder)
  writeRecordFile(drafts.image, image, durable)
  writeRecordFile(drafts.settings, settings, durable)
  writeRecordFile(drafts.state, state, durable)
  for (const folder of [drafts.rootfs, drafts.root, drafts.programs]) mkdirSync(folder, { mode: 0o700 })
  const folder = join(all.containers, settings.id)
  renameSync(draft.folder, folder)
  return { settings, state, places: recordPlaces(folder), all }
}

/** By its full ID; undefined where there is none. */
export const readRecord = (all: ContainersPlaces, id: string): Container | undefined => {
  const places = recordPlaces(join(all.containers, id))
  const settings = readRecordFile(places.settings) as ContainerSettings | undefined
  if (settings === undefined) return undefined
  return { settings, state: settled(readState(places)), places, all }
}

/** As it was written: nobody may have noted the end. */
export const readState = (places: RecordPlaces): ContainerState =>
  (readRecordFile(places.state) as ContainerState | undefined) ?? createdState

/** Newest first. */
export const listRecords = (all: ContainersPlaces): readonly Container[] =>
  listIds(all)
    .flatMap(id => readRecord(all, id) ?? [])
    .sort((a, b) => (a.settings.created < b.settings.created ? 1 : -1))

export const listIds = (all: ContainersPlaces): readonly string[] =>
  folderNames(all).filter(name => /^[0-9a-f]{64}$/.test(name))

/** By whoever watches it. */
export const writeState = ({ settings, places }: Container, state: ContainerState): void =>
  writeRecordFile(places.state, state, { durable: state.status === 'exited' && !settings.autoRemove })

/** What is in it now. Throws NOT_FOUND when it was removed in the meantime. */
export const reread = ({ all, settings }: Container): Container => {
  const container = readRecord(all, settings.id)
  if (container) return container
  throw new LadingError('NOT_FOUND', `No such container: ${settings.id}`, { data: { id: settings.id } })
}

/** Run `work` while nobody else claims, changes or removes the container. Throws LOCKED, NOT_FOUND. */
export const withRecordLock = async <Result>(
  container: Container,
  work: (current: Container) => Promise<Result>,
): Promise<Result> => {
  // Loaded here: whoever runs a container of its own making needs no lock.
  const { withLock } = await import('../../store/file-lock.js')
  reread(container)
  try {
    return await withLock(container.places.lock, 'exclusive', () => work(reread(container)))
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && path === container.places.lock) reread(container)
    throw error
  }
}

/**
 * Become its watcher, to start it. Throws CONFLICT when somebody is at it: other than `from`, a process that has claimed
 * it on our behalf.
 */
export const claim = (container: Container, from?: number): Promise<Container> =>
  withRecordLock(container, async current => {
    const { status, process, watcher } = current.state
    const isHandedOn = status === 'created' && !isAlive(process) && watcher?.pid === from
    if (isActive(current.state) && !isHandedOn)
      throw new LadingError('CONFLICT', `The container ${current.settings.name} is already running`)
    const { process: _, ...rest } = current.state
    const state: ContainerState = { ...rest, status: 'created', watcher: ownIdentity() }
    writeState(current, state)
    return { ...current, state }
  })

/** Remove the record with everything in it; out of sight first, so that no half of one is ever seen. */
export const removeRecord = async ({ all, settings, places }: Container): Promise<void> => {
  const gone = join(all.containers, nameAtWork('old', settings.id))
  try {
    renameSync(places.folder, gone)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  dropName(all, settings.name, settings.id)
  if (removeAtOnce(gone)) return
  const { removeTree } = await import('../rootfs/remove-tree.js')
  await removeTree(gone)
}

/**
 * What most containers leave are a few files, which need nothing that takes time to load. False when something
 * is in the way: a folder that we may not enter, a path that is too long, a name that is no UTF-8.
 */
const removeAtOnce = (folder: string): boolean => {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (!entry.isDirectory()) unlinkSync(path)
      else if (!removeAtOnce(path)) return false
    }
    rmdirSync(folder)
    return true
  } catch {
    return false
  }
}

/** What processes left that died while they made a container, removed one, or tried what the kernel can do (try-abilities.ts). */
export const removeRemains = async (all: ContainersPlaces): Promise<void> => {
  const { removeTree } = await import('../rootfs/remove-tree.js')
  for (const name of folderNames(all)) {
    const [, prober] = /^\.probe-(\d+)$/.exec(name) ?? []
    if (prober ? !identify(Number(prober)) : isLeft(name)) await removeTree(join(all.containers, name))
  }
}
