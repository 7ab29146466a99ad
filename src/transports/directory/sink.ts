import { closeSync, constants, mkdirSync, openSync, readdirSync, renameSync, rmdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { settleAll } from '../../bytes/settle-all.js'
import type { UnverifiedContents } from '../../image/file-content.js'
import type { Loss } from '../../image/loss.js'
import { emptyFolder } from '../../layer/disk/remove-tree.js'
import { rowsOfTree } from '../../layer/disk/rows-of-tree.js'
import { unpack } from '../../layer/disk/unpack.js'
import type { MergedTree } from '../../layer/merged-tree.js'
import { LadingError } from '../../spec/errors.js'
import { draftBeside } from '../draft-name.js'
import { unpackLosses } from './losses.js'

/** Where a tree is to be unpacked. */
export interface DirectoryOutput {
  readonly place: string
  /** The folder appears under its name when all of it is there and the contents are `verified`, and not before. */
  write(
    tree: MergedTree,
    contents: UnverifiedContents,
    onBytes: (count: number) => void,
  ): Promise<readonly Loss[]>
}

/**
 * A folder that is not there yet, or is empty. It is made beside its place under a name of its own, closed to
 * others, and renamed. Throws USAGE for what is there already, NOT_FOUND when there is no folder to make it in.
 */
export const openDirectoryOutput = (path: string): DirectoryOutput => {
  const fail = (code: 'USAGE' | 'NOT_FOUND', why: string): never => {
    throw new LadingError(code, `Cannot unpack into ${JSON.stringify(path)}: ${why}`, { data: { path } })
  }
  const target = resolve(path)
  try {
    const there = readdirSync(target).length
    if (there > 0) fail('USAGE', 'it is not empty; give a folder that is, or that is not there yet')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR') fail('USAGE', 'it is there, and is no folder')
    if (code !== 'ENOENT') throw error
  }
  return {
    place: path,
    write: async (tree, { contents, verified, stop }, onBytes) => {
      const temporary = draftBeside(target)
      try {
        mkdirSync(temporary, 0o700)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        fail('NOT_FOUND', `there is no folder ${JSON.stringify(dirname(path))}`)
      }
      const root = openSync(temporary, constants.O_RDONLY | constants.O_DIRECTORY)
      try {
        const unpacking = unpack(rowsOfTree(tree, contents), contents, root, { onBytes, stop })
        await settleAll([verified, unpacking], stop)
        const losses = await unpacking
        renameSync(temporary, target)
        return unpackLosses(losses, path)
      } catch (error) {
        await emptyFolder(root)
        rmdirSync(temporary)
        throw error
      } finally {
        closeSync(root)
      }
    },
  }
}
