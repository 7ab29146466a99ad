import { closeSync, constants, openSync } from 'node:fs'
import type { ByteSource } from '../../bytes/byte-stream.js'
import { contentsIn } from '../../layer/content.js'
import { openFolderContents } from '../../layer/disk/folder-contents.js'
import { readFolder } from '../../layer/disk/read-folder.js'
import { rowsOfTree } from '../../layer/disk/rows-of-tree.js'
import { unpack } from '../../layer/disk/unpack.js'
import { flatEntries } from '../../layer/flat-tar.js'
import type { MeasuredLayer } from '../../layer/measure.js'
import { treeOf } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { writeLayer } from '../../layer/write-layer.js'

export interface WrittenVolume {
  readonly measured: MeasuredLayer
  /** Of sockets, which no tar has. */
  readonly sockets: number
}

/** Write a volume's files, the folder itself first, as a tar into the empty file `fd`. */
export const writeVolume = async (folder: string, fd: number, what: string): Promise<WrittenVolume> => {
  const root = openSync(folder, folderFlags)
  try {
    const { toc, sockets } = await readFolder(root)
    const contents = await openFolderContents(root)
    try {
      const entries = [...flatEntries(treeOf(toc))]
      return { measured: await writeLayer(fd, entries, contents, what), sockets: sockets.length }
    } finally {
      contents.close()
    }
  } finally {
    closeSync(root)
  }
}

/** Unpack what writeVolume wrote into the empty folder of a volume. */
export const readVolume = async (folder: string, toc: Toc, bytes: ByteSource): Promise<void> => {
  const root = openSync(folder, folderFlags)
  try {
    const contents = contentsIn([bytes])
    await unpack(rowsOfTree(treeOf(toc), contents), contents, root)
  } finally {
    closeSync(root)
  }
}

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
