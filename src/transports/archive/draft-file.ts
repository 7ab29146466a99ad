import { constants, existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { getSystemErrorName } from 'node:util'
import { loadCLibrary } from '../../bytes/libc.js'
import { LadingError } from '../../spec/errors.js'
import { draftBeside } from '../draft-name.js'

/** A file that is being written, open for reading and writing by its owner alone. */
export interface DraftFile {
  readonly fd: number
  /** It is whole: give it its mode and its place, where it replaces what was there. */
  publish(mode: number): Promise<void>
  /** Close it. What was not published is gone. */
  close(): Promise<void>
}

/**
 * Begin a file that is to lie at `target`. Until it is published it has no name, where the file system can do
 * that: nothing is left of it, however this process ends. Elsewhere it has a name of its own beside its target.
 */
export const openDraftFile = async (target: string): Promise<DraftFile> =>
  (await openUnnamed(target)) ?? openNamed(target)

/** <fcntl.h>; not among Node's constants. */
const temporaryFile = 0o20000000 | constants.O_DIRECTORY
const currentFolder = -100
const followLinks = 0x400

const openUnnamed = async (target: string): Promise<DraftFile | undefined> => {
  if (process.platform !== 'linux') return undefined
  // Whatever is wrong, making a file with a name works or says it better.
  const handle = await open(dirname(target), temporaryFile | constants.O_RDWR, 0o600).catch(() => undefined)
  if (handle === undefined) return undefined
  const own = `/proc/self/fd/${handle.fd}`
  if (!existsSync(own)) {
    await handle.close()
    return undefined
  }
  return {
    fd: handle.fd,
    publish: async mode => {
      await handle.chmod(mode)
      if (await nameFile(own, target)) return
      const temporary = draftBeside(target)
      if (!(await nameFile(own, temporary))) throw cannotName(temporary, 'EEXIST')
      await replace(temporary, target)
    },
    close: () => handle.close(),
  }
}

/** As open(2) has it for O_TMPFILE. False when there is something of that name. */
const nameFile = async (file: string, name: string): Promise<boolean> => {
  const library = await loadCLibrary()
  const linkat = library.bind(
    'int linkat(int fromFolder, const char *from, int toFolder, const char *to, int flags)',
  )
  if (linkat(currentFolder, file, currentFolder, name, followLinks) === 0) return true
  const code = getSystemErrorName(-library.errno())
  if (code === 'EEXIST') return false
  throw cannotName(name, code)
}

const cannotName = (name: string, code: string): LadingError =>
  new LadingError('UNSUPPORTED', `Cannot give what was written the name ${JSON.stringify(name)}: ${code}`)

const openNamed = async (target: string): Promise<DraftFile> => {
  const temporary = draftBeside(target)
  const handle = await open(temporary, 'wx+', 0o600)
  let isDraft = true
  return {
    fd: handle.fd,
    publish: async mode => {
      await handle.chmod(mode)
      await replace(temporary, target)
      isDraft = false
    },
    close: async () => {
      await handle.close()
      if (isDraft) await rm(temporary, { force: true })
    },
  }
}

const replace = async (temporary: string, target: string): Promise<void> => {
  try {
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
