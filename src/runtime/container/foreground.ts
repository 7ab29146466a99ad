import { constants } from 'node:os'
import type { Stdio } from '../launcher/launch.js'
import type { ResolvedUser } from '../users.js'
import type { OpenedImage } from './image.js'
import { LogFile, type LogStream } from './log-file.js'
import { mayPassOn } from './own-streams.js'
import type { Container } from './record.js'
import { removeFiles } from './remove.js'
import type { Streams } from './streams.js'
import { type ContainerEnd, watch } from './watch.js'

export interface ForegroundOptions {
  readonly image?: OpenedImage
  readonly onStep?: (step: string) => void
  readonly onNote?: (note: string) => void
  /** Pass on our input; as the container was told to take it, if absent. */
  readonly input?: boolean
}

/** What a terminal or a service manager sends, and a program may want to know. */
const passedOn = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const

/**
 * Run a container that this process has claimed as its own child: with its input and output, passing on signals, until
 * it ends. With this process it dies. Removes it with --rm.
 */
export const runInForeground = async (
  container: Container,
  options: ForegroundOptions = {},
): Promise<ContainerEnd> => {
  const { settings } = container
  const remove = async () => {
    if (settings.autoRemove) await removeFiles(container, { volumes: true })
  }
  const { terminal, openStdin } = settings.process
  const input = options.input ?? openStdin
  const streams = terminal
    ? (await import('./terminal-streams.js')).terminalStreams(container, { input })
    : plainStreams(container, { input })
  let signal = 0
  let pass = (number: number) => {
    signal = number
  }
  const handlers = passedOn.map(name => [name, () => pass(constants.signals[name])] as const)
  for (const [name, handler] of handlers) process.on(name, handler)
  try {
    const watched = await watch(container, { ...options, ...streams.watch })
    for (const note of watched.notes) options.onNote?.(note)
    pass = number => watched.running.kill(number)
    if (signal !== 0) pass(signal)
    streams.connect(watched.running)
    if (options.onStep) {
      await watched.running.started()
      options.onStep(`Program run: process ${watched.running.pid}`)
    }
    const end = await watched.end
    await streams.done()
    options.onStep?.(`Container terminated: exit status ${end.exitCode}`)
    return end
  } finally {
    for (const [name, handler] of handlers) process.off(name, handler)
    streams.restore()
    await remove()
  }
}

/**
 * Without a terminal. A container that goes when it ends gets our own descriptors where it may: nothing is to be kept, and nothing
 * stands between it and its reader. What is to be logged must pass through here.
 */
const plainStreams = (container: Container, { input }: { input: boolean }): Streams => {
  const { settings, places } = container
  const log = settings.autoRemove ? undefined : new LogFile(places.log)
  const finished: Promise<void>[] = []
  const afterStart: (() => void)[] = []
  const output = async (stream: LogStream, descriptor: 1 | 2, user: ResolvedUser): Promise<Stdio> => {
    if (!log && mayPassOn(descriptor, user)) return descriptor
    const { passOutput } = await import('./plain-streams.js')
    const passed = await passOutput(stream, user, chunk => log?.write(stream, chunk))
    afterStart.push(passed.afterStart)
    finished.push(passed.finished)
    return passed.descriptor
  }
  const inputOf = async (user: ResolvedUser): Promise<Stdio> => {
    if (!input) return 'ignore'
    if (mayPassOn(0, user)) return 0
    const { passInput } = await import('./plain-streams.js')
    const passed = await passInput(user)
    afterStart.push(passed.afterStart)
    return passed.descriptor
  }
  return {
    watch: {
      stdio: async user => [
        await inputOf(user),
        await output('stdout', 1, user),
        await output('stderr', 2, user),
      ],
    },
    connect: () => {
      for (const close of afterStart) close()
    },
    done: async () => {
      await Promise.all(finished)
      log?.close()
    },
    restore: () => {
      if (input) process.stdin.unref?.()
    },
  }
}
