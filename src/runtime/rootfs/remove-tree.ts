import { closeSync, constants, openSync } from 'node:fs'
import { rm, rmdir } from 'node:fs/promises'
import { emptyFolder } from '../../layer/disk/remove-tree.js'

/** Remove a folder of ours with all in it, folders that nobody may enter included, or a file; nothing if there is none. */
export const removeTree = async (path: string): Promise<void> => {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return
    if (code === 'ENOTDIR' || code === 'ELOOP') return rm(path, { force: true })
    throw error
  }
  try {
    await emptyFolder(fd)
  } finally {
    closeSync(fd)
  }
  await rmdir(path)
}
