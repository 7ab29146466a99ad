import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { during, LadingError } from '../../spec/errors.js'
import { arm64 } from './arm64.js'
import type { Machine } from './assembler.js'
import { encode } from './encode.js'
import type { Program } from './program.js'
import { x86_64 } from './x86-64.js'

/** The machine that this process runs on; UNSUPPORTED when no program can be made for it. */
export const thisMachine = (): Machine => {
  if (process.platform === 'linux' && process.arch === 'x64') return x86_64
  if (process.platform === 'linux' && process.arch === 'arm64') return arm64
  throw new LadingError(
    'UNSUPPORTED',
    `Launchers can be made for Linux on x86-64 and arm64; this is ${process.platform} on ${process.arch}`,
  )
}

/**
 * Write the program as an executable with a name of its own into `folder`, for the owner only. Its path; whoever
 * asks removes it as soon as it runs. `folder` is one that only the owner may write to: whoever can put another
 * file in its place says what is run.
 */
export const writeLauncherFile = (folder: string, program: Program): string => {
  const path = join(folder, `launcher-${randomBytes(6).toString('hex')}`)
  const bytes = encode(program, thisMachine())
  try {
    const descriptor = openSync(path, 'wx', 0o700)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written)
    } catch (error) {
      removeLauncherFile(path)
      throw error
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw during('Cannot write the launcher', systemFailure(error, folder))
  }
  return path
}

/** A running program keeps its file; the name is not needed after the start. */
export const removeLauncherFile = (path: string): void => rmSync(path, { force: true })

/** Whether another process that was just forked still holds the file open for writing: gone in a moment. */
export const isBusy = (error: unknown): boolean => codeOf(error) === 'ETXTBSY'

/** How often and after how many milliseconds a busy file is tried again. */
export const busyTries = { count: 10, pause: 5 } as const

/** What it means that the file did not start. */
export const startFailure = (error: unknown, folder: string): unknown => {
  switch (codeOf(error)) {
    // The file is ours and may be executed, so it is the mount that forbids it.
    case 'EACCES':
      return new LadingError(
        'UNSUPPORTED',
        `Cannot run a launcher in "${folder}": the folder is mounted noexec (or a security module forbids it); a folder is wanted from which programs may be run`,
        { data: { folder, errno: 'EACCES' }, cause: error },
      )
    case 'ETXTBSY':
      return new LadingError(
        'LOCKED',
        `Cannot run a launcher in "${folder}": another process keeps the file open for writing (ETXTBSY)`,
        { data: { folder, errno: 'ETXTBSY' }, cause: error },
      )
    default:
      return during('Cannot run a launcher', systemFailure(error, folder))
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined

/** An error of the system is expected; anything else is passed on. */
const systemFailure = (error: unknown, folder: string): unknown => {
  const code = codeOf(error)
  if (error instanceof LadingError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) return error
  return new LadingError(code === 'ENOENT' ? 'NOT_FOUND' : 'UNSUPPORTED', `${code} in "${folder}"`, {
    data: { folder, errno: code },
    cause: error,
  })
}
