import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { Loss } from '../../image/loss.js'
import type { Contents } from '../../layer/content.js'
import { emptyFolder } from '../../layer/disk/remove-tree.js'
import { rowsOfEntries } from '../../layer/disk/rows-of-entries.js'
import { unpack } from '../../layer/disk/unpack.js'
import type { FlatEntry } from '../../layer/flat-entry.js'
import { LadingError } from '../../spec/errors.js'
import { unpackLosses } from './losses.js'

/**
 * Copy what is under one name in `entries` to `destination`: into a folder that is there, else to that name.
 * `name` undefined stands for the root of a tree, whose content goes into a folder of the destination's name.
 * Made beside its place and renamed. Throws USAGE where a folder is in the way, NOT_FOUND.
 */
export const copyInto = async (
  destination: string,
  name: Buffer | undefined,
  entries: readonly FlatEntry[],
  contents: Contents,
): Promise<readonly Loss[]> => {
  const target = targetOf(destination, name)
  const folder = dirname(target.toString('latin1'))
  const temporary = Buffer.from(join(folder, `.lading.${randomBytes(6).toString('hex')}`), 'latin1')
  try {
    mkdirSync(temporary, 0o700)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new LadingError(
      'NOT_FOUND',
      `Cannot copy to ${JSON.stringify(destination)}: there is no such folder`,
      { cause },
    )
  }
  const root = openSync(temporary, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const losses = await unpack(rowsOfEntries(entries, contents), contents, root)
    if (name === undefined) {
      rename(temporary, target, destination)
      return unpackLosses(losses, destination)
    }
    rename(Buffer.concat([temporary, Buffer.from('/'), name]), target, destination)
    rmdirSync(temporary)
    return unpackLosses(losses, destination)
  } catch (error) {
    await emptyFolder(root)
    rmdirSync(temporary)
    throw error
  } finally {
    closeSync(root)
  }
}

/** As bytes: the name in the place may be no text. */
const targetOf = (destination: string, name: Buffer | undefined): Buffer => {
  const path = Buffer.from(resolve(destination))
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (isFolder && name !== undefined) return Buffer.concat([path, Buffer.from('/'), name])
  if (destination.endsWith('/') && !isFolder)
    throw new LadingError(
      'NOT_FOUND',
      `Cannot copy to ${JSON.stringify(destination)}: there is no such folder`,
    )
  return path
}

const rename = (from: Buffer, to: Buffer, shown: string): void => {
  try {
    renameSync(from, to)
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    if (!['EEXIST', 'ENOTEMPTY', 'EISDIR', 'ENOTDIR'].includes(code)) throw cause
    const there = lstatSync(to).isDirectory() ? 'a folder' : 'a file'
    throw new LadingError(
      'USAGE',
      `Cannot copy to ${JSON.stringify(shown)}: there is ${there} named ${JSON.stringify(basename(to.toString()))} in the way`,
      { cause },
    )
  }
}
