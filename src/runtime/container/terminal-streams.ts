import { isatty } from 'node:tty'
import type { Streams } from './foreground.js'
import { LogFile } from './log-file.js'
import type { Container } from './record.js'
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

/** A terminal of the container's own, shown on ours. */
export const terminalStreams = async (container: Container, { input }: { input: boolean }): Promise<Streams> => {
  const { settings, places } = container
  const log = settings.autoRemove ? undefined : new LogFile(places.log)
  let restore = () => {}
  let finished: Promise<void> = Promise.resolve()
  let terminal: Terminal | undefined
  const resize = () => terminal?.resize(ownSize())
  return {
    watch: { stdio: () => ['ignore', 'ignore', 'ignore'], terminal: { size: ownSize() } },
    connect: running => {
      terminal = running.terminal
      if (!terminal) return
      const { stream } = terminal
      stream.on('data', (chunk: Buffer) => {
        log?.write('stdout', chunk)
        if (process.stdout.write(chunk)) return
        stream.pause()
        process.stdout.once('drain', () => stream.resume())
      })
      // EIO is how a terminal says that nobody has its other end any more.
      stream.on('error', () => {})
      finished = new Promise(resolve => stream.once('close', () => resolve()))
      process.on('SIGWINCH', resize)
      if (!input) return
      restore = rawInput()
      process.stdin.on('data', (chunk: Buffer) => stream.write(chunk))
    },
    done: async () => {
      await finished
      log?.close()
    },
    restore: () => {
      process.off('SIGWINCH', resize)
      restore()
      terminal?.close()
    },
  }
}
