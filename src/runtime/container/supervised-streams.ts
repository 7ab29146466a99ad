import type { ContainerSettings } from '../settings.js'
import type { ResolvedUser } from '../users.js'
import type { AttachHandlers } from './attach-server.js'
import type { RunningProgram } from './launch-container.js'
import type { LogStream } from './log-file.js'
import { type InputPipe, makeInputPipe, makeOutputPipe } from './pipes.js'
import { defaultSize, type Terminal } from './terminal.js'
import type { WatchOptions } from './watch.js'

export interface SupervisedStreams extends AttachHandlers {
  readonly watch: Pick<WatchOptions, 'stdio' | 'terminal'>
  connect(running: RunningProgram): void
  /** When everything that was said has been told. */
  done(): Promise<void>
}

/** Input and output of a container in the background; `say` is told what its program says. */
export const supervisedStreams = (
  { process: { terminal: wanted, openStdin } }: ContainerSettings,
  say: (stream: LogStream, bytes: Buffer) => void,
): SupervisedStreams => {
  const afterStart: (() => void)[] = []
  const finished: Promise<void>[] = []
  let input: InputPipe | undefined
  let terminal: Terminal | undefined

  const output = async (stream: LogStream, user: ResolvedUser): Promise<number> => {
    const pipe = await makeOutputPipe(user)
    afterStart.push(pipe.closeWrite)
    pipe.output.on('data', (chunk: Buffer) => say(stream, chunk))
    finished.push(new Promise(resolve => pipe.output.once('close', () => resolve())))
    return pipe.write
  }
  return {
    watch: wanted
      ? { stdio: () => ['ignore', 'ignore', 'ignore'], terminal: { size: defaultSize } }
      : {
          stdio: async user => {
            if (openStdin) {
              input = await makeInputPipe(user)
              afterStart.push(input.closeRead)
              input.input.on('error', () => {})
            }
            return [input?.read ?? 'ignore', await output('stdout', user), await output('stderr', user)]
          },
        },
    connect: running => {
      for (const close of afterStart) close()
      terminal = running.terminal
      if (!terminal) return
      const { stream } = terminal
      stream.on('data', (chunk: Buffer) => say('stdout', chunk))
      // EIO: nobody has its other end any more.
      stream.on('error', () => {})
      finished.push(new Promise(resolve => stream.once('close', () => resolve())))
    },
    onInput: bytes => {
      if (terminal && openStdin) terminal.stream.write(bytes)
      else if (input?.input.writable) input.input.write(bytes)
    },
    onInputEnd: () => {
      input?.input.end()
    },
    onSize: size => terminal?.resize(size),
    done: async () => {
      await Promise.all(finished)
      terminal?.close()
    },
  }
}
