import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { CommitResult, FileBacked, ImageSource, Root, TocKeeper } from '../image/interfaces.js'
import type { Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { indexJson } from '../spec/image-index.js'
import { layoutText } from '../spec/layout.js'
import { fullName, type Reference } from '../spec/reference.js'
import { bootIdIn, readBootId } from './boot-id.js'
import type { StoreProblem } from './check-store.js'
import { digestPath, type StorePlaces, storePlaces } from './places.js'
import type { SessionOptions, StoreSession } from './session.js'
import { addRoots, readRoots, writeRoots } from './store-index.js'
import { openStoreSource } from './store-source.js'
import type { Swept } from './sweep.js'
import { needsCheck, settleUnsynced, strikeOff } from './unsynced.js'

/**
 * The embedded store: a folder that is an OCI image layout, so other tools read it as it is, and beside it
 * what makes it fast. Any number of processes may use it at once.
 */
export interface Store {
  readonly directory: string
  /** Blobs that a power cut took, and the images that are gone with them, found when the store was opened. */
  readonly lost: { readonly blobs: readonly Digest[]; readonly roots: readonly Root[] }
  source(): ImageSource & FileBacked & TocKeeper
  roots(): Promise<readonly Root[]>
  /** To be disposed of, whatever happens. */
  session(options?: SessionOptions): Promise<StoreSession>
  /** Give one more name to what has the digest. Throws NOT_FOUND. */
  tag(digest: Digest, name: Reference): Promise<CommitResult['moved']>
  /** Take names away; without `keepUnnamed`, what has no name left goes with its blobs. */
  untag(names: readonly Reference[], options?: { keepUnnamed?: boolean }): Promise<Swept>
  /** Take out roots whole, with all names. */
  remove(digests: readonly Digest[]): Promise<Swept>
  /** Remove what nothing names. */
  sweep(): Promise<Swept>
  check(options?: { repair?: boolean }): Promise<readonly StoreProblem[]>
}

export interface StoreOptions {
  /** Make the store if there is none; without it, that is NOT_FOUND. */
  readonly create?: boolean
  /** Where the machine's boot id is read: for the tests of what happens after a power cut. */
  readonly bootIdFile?: string
}

/** Open the store in a folder. Throws NOT_FOUND, or UNSUPPORTED for a folder that holds something else. */
export const openStore = async (
  directory: string,
  { create = false, bootIdFile }: StoreOptions = {},
): Promise<Store> => {
  const places = storePlaces(resolve(directory))
  if (!existsSync(places.index)) {
    if (!create)
      throw new LadingError('NOT_FOUND', `There is no store at ${places.root}`, {
        data: { directory: places.root },
      })
    await createStore(places)
  } else if (!existsSync(places.tocs)) {
    if (!create)
      throw new LadingError(
        'UNSUPPORTED',
        `${places.root} is an OCI layout, but no store of lading: read it as oci:${places.root}`,
      )
    await createFolders(places)
  }
  const bootId = bootIdFile === undefined ? readBootId() : bootIdIn(bootIdFile)
  // What only some commands do is loaded when they do it: most open a store to read from it.
  const exclusively = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const { withLock } = await import('./file-lock.js')
    return withLock(places.lock, 'exclusive', work)
  }
  const sweepAll = async (): Promise<Swept> => (await import('./sweep.js')).sweep(places)
  const lost = needsCheck(places, bootId)
    ? await exclusively(() => recover(places, bootId))
    : { blobs: [], roots: [] }

  const edit = (change: (roots: readonly Root[]) => readonly Root[]): Promise<Swept> =>
    exclusively(async () => {
      await writeRoots(places, change(await readRoots(places)))
      return sweepAll()
    })

  return {
    directory: places.root,
    lost,
    source: () => openStoreSource(places),
    roots: () => readRoots(places),
    session: async options => {
      await exclusively(() => settleUnsynced(places, bootId))
      const { openSession } = await import('./session.js')
      return openSession(places, bootId, options ?? {})
    },
    tag: (digest, name) =>
      exclusively(async () => {
        const roots = await readRoots(places)
        const root = roots.find(({ descriptor }) => descriptor.digest === digest)
        if (root === undefined)
          throw new LadingError('NOT_FOUND', `No image ${digest} in the store ${places.root}`)
        const result = addRoots(roots, [{ ...root, names: [name] }])
        await writeRoots(places, result.roots)
        return result.moved
      }),
    untag: (names, { keepUnnamed = false } = {}) =>
      edit(roots => {
        const gone = new Set(names.map(fullName))
        return roots.flatMap(root => {
          const left = root.names.filter(name => !gone.has(fullName(name)))
          if (left.length === root.names.length) return [root]
          return left.length > 0 || keepUnnamed ? [{ ...root, names: left }] : []
        })
      }),
    remove: digests => edit(roots => roots.filter(({ descriptor }) => !digests.includes(descriptor.digest))),
    sweep: () => exclusively(sweepAll),
    check: options => exclusively(async () => (await import('./check-store.js')).checkStore(places, options)),
  }
}

const createFolders = async (places: StorePlaces): Promise<void> => {
  for (const folder of [places.blobs, places.tocs, places.diffIds]) {
    await mkdir(join(folder, 'sha256'), { recursive: true })
    await mkdir(join(folder, 'sha512'), { recursive: true })
  }
  for (const folder of [places.leases, places.temporary]) await mkdir(folder, { recursive: true })
}

/** The index comes last: a folder without one is no store yet. 0700: setuid programs of images must not be in reach. */
const createStore = async (places: StorePlaces): Promise<void> => {
  await mkdir(dirname(places.root), { recursive: true })
  await mkdir(places.root, { recursive: true, mode: 0o700 })
  await chmod(places.root, 0o700)
  await createFolders(places)
  const { withLock } = await import('./file-lock.js')
  const { writeAtomically } = await import('./atomic-file.js')
  await withLock(places.lock, 'exclusive', async () => {
    if (existsSync(places.index)) return
    await writeFile(places.layout, layoutText)
    await writeAtomically(places.index, indexJson([]), places.temporary)
  })
}

/** After the machine went down: check what may not have reached the disk, take out of sight what did not. */
const recover = async (places: StorePlaces, bootId: string): Promise<Store['lost']> => {
  const blobs = await settleUnsynced(places, bootId)
  if (blobs.length === 0) return { blobs, roots: [] }
  for (const digest of blobs) await rm(digestPath(places.blobs, digest), { force: true })
  await strikeOff(places, new Set(blobs))
  const roots = await readRoots(places)
  const { withoutIncomplete } = await import('./check-store.js')
  const whole = await withoutIncomplete(places, roots)
  await writeRoots(places, whole)
  return { blobs, roots: roots.filter(root => !whole.includes(root)) }
}
