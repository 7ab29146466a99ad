import { closeSync, fchmodSync, fstatSync, lstatSync, readdirSync } from 'node:fs'
import { folderFlags, loadSystemCalls, pathIn, type SystemCalls } from './system-calls.js'

/**
 * Remove what is in the folder that is open as `root`, through descriptors, folders that nobody may enter
 * included. The folder itself stays.
 */
export const emptyFolder = async (root: number): Promise<void> => empty(await loadSystemCalls(), root)

const empty = (system: SystemCalls, folder: number): void => {
  const { mode } = fstatSync(folder)
  if ((mode & 0o700) !== 0o700) fchmodSync(folder, 0o700)
  for (const name of readdirSync(pathIn(folder, Buffer.from('.')), { encoding: 'buffer' })) {
    const status = lstatSync(pathIn(folder, name))
    if (status.isDirectory()) {
      // A folder of ours that we may not read opens once we have said that we may.
      if ((status.mode & 0o400) === 0) system.setMode(folder, name, 0o700)
      const fd = system.open(folder, name, folderFlags)
      try {
        empty(system, fd)
      } finally {
        closeSync(fd)
      }
    }
    system.remove(folder, name, status.isDirectory())
  }
}
