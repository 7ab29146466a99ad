import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
} from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

export interface CopyTreeOptions {
  /** Keep the owners; else all is root's. */
  readonly archive: boolean
}

/**
 * Copy a file, or a folder with all in it, from the host into the folder that is open as `into`, under a name. Folders are
 * merged, files are replaced when the new one is whole. No link below `into` is followed: whoever writes there at the same time can
 * lead nothing astray. Throws CONFLICT where a folder would replace a file or a file a folder; sockets and devices are left out.
 */
export const copyTree = async (
  source: string,
  { into, name }: { into: number; name: string },
  options: CopyTreeOptions,
): Promise<void> => {
  const status = lstatSync(source)
  const target = below(into, name)
  const there = lstatSync(target, { throwIfNoEntry: false })
  if (there && there.isDirectory() !== status.isDirectory())
    throw new LadingError(
      'CONFLICT',
      `Cannot copy ${visible(source)}: there is a ${there.isDirectory() ? 'folder' : 'file'} named ${visible(name)} in the way`,
    )
  if (status.isDirectory()) {
    if (!there) mkdirSync(target, 0o700)
    const folder = openSync(target, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      await copyFolder(source, folder, options)
      // What was there keeps what it is.
      if (!there) giveAttributes(folder, status, options)
    } finally {
      closeSync(folder)
    }
  } else await replaceFile(source, status, { into, name }, options)
}

/** What is in the folder, not the folder itself. */
export const copyFolder = async (source: string, into: number, options: CopyTreeOptions): Promise<void> => {
  for (const name of readdirSync(source)) await copyTree(join(source, name), { into, name }, options)
}

const below = (folder: number, name: string): string => `/proc/self/fd/${folder}/${name}`

const replaceFile = async (
  source: string,
  status: Stats,
  { into, name }: { into: number; name: string },
  { archive }: CopyTreeOptions,
): Promise<void> => {
  if (!status.isFile() && !status.isSymbolicLink()) return
  const draft = below(into, `.lading-${process.pid}-${name.slice(0, 100)}`)
  const [uid, gid] = archive ? [status.uid, status.gid] : [0, 0]
  try {
    if (status.isSymbolicLink()) {
      symlinkSync(readlinkSync(source), draft)
      lchownSync(draft, uid, gid)
      lutimesSync(draft, status.atimeMs / 1000, status.mtimeMs / 1000)
    } else await writeDraft(source, status, draft, { uid, gid })
    renameSync(draft, below(into, name))
  } catch (error) {
    try {
      rmSync(draft, { force: true })
    } catch {
      // Whoever put something else there may have it.
    }
    throw error
  }
}

/** All by the descriptor of what was made: a moment later the name may be a link to a file of the host (CVE-2026-42306). */
const writeDraft = async (
  source: string,
  status: Stats,
  draft: string,
  { uid, gid }: { uid: number; gid: number },
): Promise<void> => {
  const file = openSync(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
  try {
    await copyFile(source, `/proc/self/fd/${file}`)
    // The mode last: given away, a file loses what makes it run as its owner.
    fchownSync(file, uid, gid)
    fchmodSync(file, status.mode & 0o7777)
    futimesSync(file, status.atimeMs / 1000, status.mtimeMs / 1000)
  } finally {
    closeSync(file)
  }
}

const giveAttributes = (folder: number, status: Stats, { archive }: CopyTreeOptions): void => {
  if (archive) fchownSync(folder, status.uid, status.gid)
  fchmodSync(folder, status.mode & 0o7777)
  futimesSync(folder, fstatSync(folder).atimeMs / 1000, status.mtimeMs / 1000)
}
