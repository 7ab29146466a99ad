import { isatty } from 'node:tty'
import { LogFile } from './log-file.js'
import type { Container } from './record.js'
import type { Streams } from './streams.js'
import { defaultSize, type Terminal } from './terminal.js'

/** Of the terminal that this process has, if it has one. */
export const ownSize = () =>
  process.stdout.isTTY ? { rows: process.stdout.rows, columns: process.stdout.columns } : defaultSize

/** Our terminal passes on each key as it is, ^C too. Undone by the function given back. */
export const rawInput = (): (() => void) => {
  if (!isatty(0)) return () => {}
  process.stdin.setRawMode(true)
  return () => {
    process.stdin.setRawMode(false)
    process.stdin.pause()
  }
}

/** The end of input that is no terminal, as a terminal says it: ^D. */
const endOfTransmission = Buffer.of(4)

/** Show a terminal of a container on ours, type into it what is typed here, and keep its size. */
export const showTerminal = (
  terminal: Terminal,
  { input, also = () => {} }: { input: boolean; also?: (chunk: Buffer) => void },
): { readonly done: Promise<void>; restore(): void } => {
  const { stream } = terminal
  stream.on('data', (chunk: Buffer) => {
    also(chunk)
    if (process.stdout.write(chunk)) return
    stream.pause()
    process.stdout.once('drain', () => stream.resume())
  })
  // EIO is how a terminal says that nobody has its other end any more.
  stream.on('error', () => {})
  const done = new Promise<void>(resolve => stream.once('close', () => resolve()))
  const resize = () => terminal.resize(ownSize())
  process.on('SIGWINCH', resize)
  const restoreInput = input ? rawInput() : () => {}
  const type = (chunk: Buffer) => void stream.write(chunk)
  const typeEnd = () => void stream.write(endOfTransmission)
  if (input) process.stdin.on('data', type).on('end', typeEnd)
  return {
    done,
    restore: () => {
      process.off('SIGWINCH', resize)
      if (input) process.stdin.off('data', type).off('end', typeEnd)
      restoreInput()
      terminal.close()
    },
  }
}

/** A terminal of the container's own, shown on ours. */
export const terminalStreams = (container: Container, { input }: { input: boolean }): Streams => {
  const { settings, places } = container
  const log = settings.autoRemove ? undefined : new LogFile(places.log)
  let shown: ReturnType<typeof showTerminal> | undefined
  return {
    watch: { stdio: () => ['ignore', 'ignore', 'ignore'], terminal: { size: ownSize() } },
    connect: ({ terminal }) => {
      if (terminal) shown = showTerminal(terminal, { input, also: chunk => log?.write('stdout', chunk) })
    },
    done: async () => {
      await shown?.done
      log?.close()
    },
    restore: () => shown?.restore(),
  }
}
