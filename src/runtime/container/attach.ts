import { createConnection, type Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { LadingError } from '../../spec/errors.js'
import { socketPath } from './attach-server.js'
import { frame, frameReader, fromClient, sizeBytes, toClient } from './frames.js'
import { type Container, reread } from './record.js'
import { isActive } from './state.js'

export interface Attached {
  /** The program's exit status; undefined when the watcher hung up without one. */
  readonly status: Promise<number | undefined>
  resize(size: { rows: number; columns: number }): void
  /** Leave it running. */
  detach(): void
}

export interface AttachOptions {
  /** Absent: nothing is said to the program, and its input stays open. */
  readonly input?: Readable
  readonly output: Writable
  readonly error: Writable
}

/**
 * Connect to the program of a container that runs in the background: its output from now on, and its input. Throws
 * CONFLICT when it does not run, UNSUPPORTED when it runs in the foreground of another command.
 */
export const attach = async (container: Container, options: AttachOptions): Promise<Attached> => {
  const { state } = reread(container)
  if (!isActive(state))
    throw new LadingError('CONFLICT', 'You cannot attach to a stopped container, start it first')
  return connectToWatcher(container, options)
}

/** The same, for a watcher that may be there; without streams, only to be told the exit status. */
export const connectToWatcher = async (
  container: Container,
  { input, output, error }: Partial<AttachOptions> = {},
): Promise<Attached> => {
  const socket = await connect(container)
  let status: number | undefined
  const read = frameReader((kind, bytes) => {
    if (kind === toClient.stdout && output) forward(socket, output, bytes)
    else if (kind === toClient.stderr && error) forward(socket, error, bytes)
    else if (kind === toClient.exit) status = bytes[0]
  })
  socket.on('data', chunk => {
    if (!read(chunk)) socket.destroy()
  })
  socket.on('error', () => {})
  const ended = new Promise<number | undefined>(resolve => socket.once('close', () => resolve(status)))
  if (input && container.settings.process.openStdin) {
    input.on('data', (chunk: Buffer) => {
      if (socket.write(frame(fromClient.input, chunk))) return
      input.pause()
      socket.once('drain', () => input.resume())
    })
    input.on('end', () => socket.write(frame(fromClient.inputEnd)))
  }
  return {
    status: ended,
    resize: size => void socket.write(frame(fromClient.size, sizeBytes(size))),
    detach: () => socket.destroy(),
  }
}

/** What is not taken in fast enough makes the socket wait. */
const forward = (socket: Socket, output: Writable, bytes: Buffer): void => {
  if (output.write(Buffer.from(bytes))) return
  socket.pause()
  output.once('drain', () => socket.resume())
}

const connect = async ({ places, settings }: Container): Promise<Socket> => {
  const { path, close } = socketPath(places)
  try {
    return await new Promise<Socket>((resolve, reject) => {
      const socket = createConnection(path, () => resolve(socket))
      socket.once('error', reject)
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ECONNREFUSED') throw error
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot attach to ${settings.name}: it runs in the foreground of another command, which has its input and output`,
    )
  } finally {
    close()
  }
}
