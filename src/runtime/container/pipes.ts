import { closeSync, fchownSync } from 'node:fs'
import { Socket } from 'node:net'
import { loadCLibrary } from '../../bytes/libc.js'
import { LadingError } from '../../spec/errors.js'
import type { ResolvedUser } from '../users.js'

/** pipe2(2). */
const closeOnExec = 0o2000000

/**
 * A pipe of the kernel's that belongs to a container's user, both ends as descriptors. What Node makes for child processes are
 * sockets, which a program cannot open again as /dev/stdout; and only who owns a pipe can.
 */
const makePipe = async ({ uid, gid }: ResolvedUser): Promise<{ read: number; write: number }> => {
  const library = await loadCLibrary()
  const ends = Buffer.alloc(8)
  if (library.bind('int pipe2(_Out_ uint8_t *ends, int flags)')(ends, closeOnExec) !== 0)
    throw new LadingError('UNSUPPORTED', `Cannot make a pipe: errno ${library.errno()}`)
  const [read, write] = [ends.readInt32LE(0), ends.readInt32LE(4)]
  if (uid !== 0) fchownSync(read, uid, gid)
  return { read, write }
}

export interface OutputPipe {
  /** For the program; to be closed here once it runs. */
  readonly write: number
  /** What the program says. Ends when all processes that have the pipe are gone. */
  readonly output: Socket
  closeWrite(): void
}

export const makeOutputPipe = async (user: ResolvedUser): Promise<OutputPipe> => {
  const { read, write } = await makePipe(user)
  const output = new Socket({ fd: read, readable: true, writable: false })
  return { write, output, closeWrite: () => closeSync(write) }
}

export interface InputPipe {
  readonly read: number
  readonly input: Socket
  closeRead(): void
}

export const makeInputPipe = async (user: ResolvedUser): Promise<InputPipe> => {
  const { read, write } = await makePipe(user)
  const input = new Socket({ fd: write, readable: false, writable: true })
  return { read, input, closeRead: () => closeSync(read) }
}
