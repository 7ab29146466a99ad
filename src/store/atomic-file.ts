import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * Replace the file at `path` so that at every moment, also after a power cut, it is the old one or the new
 * one: a temporary name in `temporary` on the same file system, synced, renamed, the folder synced.
 */
export const writeAtomically = async (
  path: string,
  content: Uint8Array,
  temporary: string,
): Promise<void> => {
  const draft = join(temporary, `file-${randomUUID()}`)
  try {
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
  await syncFolder(dirname(path))
}

export const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
