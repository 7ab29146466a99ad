import { type BigIntStats, linkSync, statSync, symlinkSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'

/** A file that a container needs as long as it is there, by a name in its own folder. */
export interface HeldFile {
  /** Where it was found. */
  readonly path: string
  readonly size: number
  /** Nanoseconds since 1970, in decimal. */
  readonly mtime: string
}

/**
 * Give the file at `path` the name `at`: a second name of its own, so that it stays when the first is removed
 * (a blob by `prune`, an archive by its owner); a symbolic link where that cannot be, on another file system.
 */
export const holdFile = (path: string, at: string): HeldFile => {
  try {
    linkSync(path, at)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw gone(path)
    symlinkSync(path, at)
  }
  const { size, mtimeNs } = statSync(at, { bigint: true })
  return { path, size: Number(size), mtime: String(mtimeNs) }
}

/** Throws NOT_FOUND or UNSUPPORTED when the file that `at` names is gone, or is not as it was. */
export const checkHeld = ({ path, size, mtime }: HeldFile, at: string): void => {
  const found = statusOf(at)
  if (found === undefined) throw gone(path)
  if (Number(found.size) !== size || String(found.mtimeNs) !== mtime)
    throw new LadingError(
      'UNSUPPORTED',
      `${path} has changed since the container was created: its files are no longer what they were`,
      { data: { path } },
    )
}

const statusOf = (path: string): BigIntStats | undefined => {
  try {
    return statSync(path, { bigint: true })
  } catch {
    return undefined
  }
}

const gone = (path: string): LadingError =>
  new LadingError('NOT_FOUND', `${path} is gone, and files of the container lie in it`, { data: { path } })
