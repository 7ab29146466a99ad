import { closeSync, constants, openSync } from 'node:fs'
import type { Snapshot } from '../../image/snapshot.js'
import { folderContents } from '../../layer/disk/folder-contents.js'
import { readFolder } from '../../layer/disk/read-folder.js'
import { treeOf } from '../../layer/merged-tree.js'
import { LadingError } from '../../spec/errors.js'

/**
 * An unpacked tree. A link that the user names is followed, none below it is. Throws NOT_FOUND, UNSUPPORTED for
 * what is no folder.
 */
export const openDirectory = async (path: string): Promise<Snapshot> => {
  const root = openFolder(path)
  try {
    const { toc, sockets, mounts } = await readFolder(root)
    return {
      ...{ place: path, format: 'dir', tree: treeOf(toc), contents: folderContents(root) },
      losses:
        sockets.length === 0
          ? []
          : [{ what: 'socket', where: path, why: 'a socket is of a running process', count: sockets.length }],
      warnings: mounts.map(mount => ({
        what: 'mount',
        message: `${path}/${mount} is another file system: only the folder is taken, not what is in it`,
      })),
      [Symbol.asyncDispose]: async () => closeSync(root),
    }
  } catch (error) {
    closeSync(root)
    throw error
  }
}

const openFolder = (path: string): number => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw new LadingError('NOT_FOUND', `There is no folder ${JSON.stringify(path)}`, { cause })
    if (code === 'ENOTDIR')
      throw new LadingError('UNSUPPORTED', `Cannot read ${JSON.stringify(path)}: it is no folder`, { cause })
    throw cause
  }
}
