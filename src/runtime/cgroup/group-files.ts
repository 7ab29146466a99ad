import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { LimitFile } from './limits.js'

/**
 * What both versions do alike with the folders and files of groups. The kernel answers at once: going through the thread pool
 * takes longer than what is asked for, and a start asks some 60 times.
 */

/** The folder that all of lading's groups lie in. */
export const parentName = 'lading'

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

/** IDs become names of folders. */
export const checkId = (id: string): string => {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(id))
    throw new LadingError('USAGE', `"${visible(id)}" cannot be the name of a control group`)
  return id
}

/** With its parent, if need be. LOCKED when it is there itself. */
export const makeGroupFolder = async (folder: string): Promise<void> => {
  try {
    mkdirSync(folder, 0o755)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') {
      mkdirSync(dirname(folder), { recursive: true, mode: 0o755 })
      return makeGroupFolder(folder)
    }
    if (codeOf(error) !== 'EEXIST') throw error
    throw new LadingError(
      'LOCKED',
      `The control group ${folder} is there already: of a container that runs?`,
      {
        data: { folder },
        cause: error,
      },
    )
  }
}

export const writeLimit = async (folder: string, { file, value, optional }: LimitFile): Promise<void> => {
  try {
    writeFileSync(join(folder, file), value)
  } catch (error) {
    const code = codeOf(error)
    if (optional && (code === 'ENOENT' || code === 'EOPNOTSUPP')) return
    const what = code === 'ENOENT' ? 'this kernel has no such limit' : `${value}: ${code}`
    throw new LadingError('UNSUPPORTED', `Cannot set ${file} of ${basename(folder)}: ${what}`, {
      data: { file, value, errno: code },
      cause: error,
    })
  }
}

/** The text of a file of a group; '' when the group is gone. */
export const readGroupFile = async (path: string): Promise<string> => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV') return ''
    throw error
  }
}

/** `name number` lines: memory.stat, cgroup.events and their like. 0 for what is not there. */
export const fieldOf = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)

/** Of the group and of all below it: a privileged container can make its own. */
export const processesBelow = async (folder: string): Promise<readonly number[]> => {
  const own = (await readGroupFile(join(folder, 'cgroup.procs'))).split('\n').filter(line => line !== '')
  const below = await Promise.all((await foldersIn(folder)).map(name => processesBelow(join(folder, name))))
  return [...own.map(Number), ...below.flat()]
}

export const foldersIn = async (folder: string): Promise<readonly string[]> => {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter(entry => entry.isDirectory()).map(entry => entry.name)
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV') return []
    throw error
  }
}

/** How long processes that were killed may take to be gone. */
const patience = { tries: 400, pause: 5 } as const

/** Try until it is so; false when it never was. */
export const untilTrue = async (ask: () => Promise<boolean>): Promise<boolean> => {
  for (let tries = 0; tries < patience.tries; tries++) {
    if (await ask()) return true
    await pause(patience.pause)
  }
  return false
}

/**
 * Remove the group and those below it. A process that is dead and not yet reaped holds its group for a moment, so
 * EBUSY is tried again. LOCKED when it stays.
 */
export const removeGroupFolder = async (folder: string): Promise<void> => {
  const gone = await untilTrue(async () => {
    try {
      rmdirSync(folder)
      return true
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return true
      if (codeOf(error) !== 'EBUSY' && codeOf(error) !== 'ENOTEMPTY') throw error
      for (const name of await foldersIn(folder)) await removeGroupFolder(join(folder, name))
      return false
    }
  })
  if (gone) return
  const processes = await processesBelow(folder)
  throw new LadingError(
    'LOCKED',
    `Cannot remove the control group ${folder}: it still has processes (${processes.join(', ')})`,
    { data: { folder, processes } },
  )
}

/** Send SIGKILL to each; those that are gone do not matter. */
export const killEach = (processes: readonly number[]): void => {
  for (const pid of processes) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (codeOf(error) !== 'ESRCH') throw error
    }
  }
}

export const stuck = (id: string, what: string): LadingError =>
  new LadingError('LOCKED', `Cannot ${what} the control group of ${id}: its processes do not obey`, {
    data: { id },
  })
