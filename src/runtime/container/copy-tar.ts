import { closeSync, constants, mkdtempSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { ByteStream } from '../../bytes/byte-stream.js'
import { openSpoolFile } from '../../bytes/spool-file.js'
import { contentsIn } from '../../layer/content.js'
import { rowsOfTree } from '../../layer/disk/rows-of-tree.js'
import { unpack } from '../../layer/disk/unpack.js'
import { indexLayer } from '../../layer/index-layer.js'
import { treeOf } from '../../layer/merged-tree.js'
import { removeTree } from '../rootfs/remove-tree.js'
import { copyFolder } from './copy-tree.js'

/**
 * What is in a tar, into the folder that is open as `into`: it is unpacked beside, in `scratch`, and then copied as a folder of
 * the host is, with its owners. So a tar that is bad leaves nothing, and its links lead nowhere. Throws BAD_TAR, TRUNCATED.
 */
export const copyTar = async (tar: ByteStream, into: number, scratch: string): Promise<void> => {
  await using spool = await openSpoolFile()
  const bytes = await spool.append(tar)
  const folder = mkdtempSync(join(scratch, '.tar-'))
  try {
    const root = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      const contents = contentsIn([bytes])
      await unpack(rowsOfTree(treeOf(await indexLayer(bytes)), contents), contents, root)
    } finally {
      closeSync(root)
    }
    await copyFolder(folder, into, { archive: true })
  } finally {
    await removeTree(folder)
  }
}
