import { randomBytes } from 'node:crypto'
import { lstatSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

/**
 * Let `copy` make a folder beside what is in `into`, then move all that is in it there: folders are merged, files replaced, as
 * docker cp does it. Throws CONFLICT where a folder and a file have one name; then what came before it has been moved.
 */
export const copyMerging = async <Result>(
  into: string,
  copy: (aside: string) => Promise<Result>,
): Promise<Result> => {
  const aside = join(into, `.lading.${randomBytes(6).toString('hex')}`)
  try {
    const result = await copy(aside)
    moveOver(aside, into)
    return result
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

const isFolder = (path: string): boolean | undefined =>
  lstatSync(path, { throwIfNoEntry: false })?.isDirectory()

const moveOver = (from: string, to: string): void => {
  const [moved, there] = [isFolder(from), isFolder(to)]
  if (there === undefined || (!moved && !there)) {
    renameSync(from, to)
    return
  }
  if (moved !== there)
    throw new LadingError(
      'CONFLICT',
      `Cannot copy: there is a ${there ? 'folder' : 'file'} named ${visible(to)} in the way`,
    )
  for (const name of readdirSync(from)) moveOver(join(from, name), join(to, name))
  rmdirSync(from)
}
