import { randomUUID } from 'node:crypto'
import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What the store keeps for root file systems, beside its blobs: all of it can be made again from them, and a
 * container that uses some of it holds links of its own, or of `unpacked` says so in its record.
 */
export interface RootfsFolders {
  readonly root: string
  /** EROFS images, by what they were made of. */
  readonly images: string
  /** Uncompressed layers, by DiffID, of which the store or an archive has only compressed ones. */
  readonly inflated: string
  /** Layers as folders, by ChainID. */
  readonly unpacked: string
  readonly temporary: string
  /** What the kernel can do, see probe.ts. */
  readonly probes: string
  /** Shared by who makes use of any of this before it is written down, exclusive for who removes it. */
  readonly lock: string
}

export const rootfsFolders = (storeDirectory: string): RootfsFolders => {
  const root = join(storeDirectory, 'rootfs')
  return {
    root,
    images: join(root, 'images'),
    inflated: join(root, 'inflated'),
    unpacked: join(root, 'unpacked'),
    temporary: join(root, 'tmp'),
    probes: join(root, 'probes.json'),
    lock: join(root, 'lock'),
  }
}

/**
 * Make what is to lie at `path` under a temporary name, and give it its own when it is complete. Two that make
 * the same at once both succeed.
 */
export const makeComplete = async (
  folders: RootfsFolders,
  path: string,
  make: (draft: string) => Promise<void>,
): Promise<void> => {
  for (const folder of [folders.temporary, join(path, '..')])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  // The process's number tells pruning whose it is.
  const draft = join(folders.temporary, `${process.pid}-${randomUUID()}`)
  try {
    await make(draft)
    if (!takePlace(draft, path)) await remove(draft)
  } catch (error) {
    await remove(draft)
    throw error
  }
}

/** False for a folder where another process has just put one, which it does not replace. */
const takePlace = (draft: string, path: string): boolean => {
  try {
    renameSync(draft, path)
    return true
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    return false
  }
}

const remove = async (path: string): Promise<void> => (await import('./remove-tree.js')).removeTree(path)
