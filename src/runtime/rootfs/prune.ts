import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { chainIds } from '../../spec/chain-id.js'
import { type Digest, hexOf } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'
import { withLock } from '../../store/file-lock.js'
import { readRecord } from './record.js'
import { removeTree } from './remove-tree.js'
import { type RootfsFolders, rootfsFolders } from './store-folders.js'
import { stubsVersion } from './stubs-version.js'

export interface PruneOptions {
  readonly storeDirectory: string
  /** DiffIDs of every image of the store, base first. */
  readonly images: readonly (readonly Digest[])[]
  /** Folders of all containers that there are; asked under the lock. */
  readonly containers: () => readonly string[]
}

/**
 * Remove what the store keeps for root file systems and neither an image of it nor a container needs; the paths
 * of what went. Lists of files (EROFS) go whenever no container has them: they are made in no time. Whoever
 * prepares a root file system meanwhile finds all that it has seen, or looks again (prepare.ts).
 */
export const pruneRootfs = async (options: PruneOptions): Promise<readonly string[]> => {
  const folders = rootfsFolders(options.storeDirectory)
  if (!existsSync(folders.root)) return []
  try {
    return await withLock(folders.lock, 'exclusive', () => removeUnused(options, folders))
  } catch (error) {
    // Somebody is unpacking a large image: the next time.
    if (error instanceof LadingError && error.code === 'LOCKED') return []
    throw error
  }
}

const removeUnused = async (
  { images, containers }: PruneOptions,
  folders: RootfsFolders,
): Promise<readonly string[]> => {
  const inflated = new Set(images.flat().map(hexOf))
  const unpacked = new Set<string>()
  for (const diffIds of images) {
    const chain = chainIds(diffIds).map(hexOf)
    for (const name of [...chain, `${chain.at(-1) ?? 'empty'}-${stubsVersion}`]) unpacked.add(name)
  }
  for (const folder of containers()) {
    const record = await readRecord({ folder }).catch(() => undefined)
    if (record?.kind === 'overlay') for (const path of record.lower) unpacked.add(basename(path))
  }
  const isUnheld = async (path: string) => {
    // What is made to try the kernel (try-abilities.ts) must stay until that is done.
    const [, prober] = /^probe-(\d+)$/.exec(basename(path)) ?? []
    if (prober !== undefined) return !isAlive(Number(prober))
    return (await stat(path)).nlink === 1
  }
  return [
    ...(await removeFrom(folders.images, isUnheld)),
    ...(await removeFrom(folders.inflated, path => !inflated.has(basename(path)))),
    ...(await removeFrom(folders.unpacked, path => !unpacked.has(basename(path)))),
    ...(await removeFrom(folders.temporary, path => !isAlive(Number.parseInt(basename(path), 10)))),
  ]
}

const removeFrom = async (
  folder: string,
  isUnused: (path: string) => boolean | Promise<boolean>,
): Promise<readonly string[]> => {
  const removed: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    if (!(await isUnused(path))) continue
    await removeTree(path)
    removed.push(path)
  }
  return removed
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
