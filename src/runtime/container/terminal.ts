import { constants, openSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { firstDescriptor, runOnce } from '../launcher/run-once.js'
import { resizeTerminal, type TerminalSize, unlockTerminal } from '../launcher/terminal-steps.js'

/** Our end of a container's terminal. */
export interface Terminal {
  /** What is shown on it; written to, it is what is typed. Ends when no process has its other end any more. */
  readonly stream: ReadStream
  /** Of its own devpts. */
  readonly number: number
  resize(size: TerminalSize): void
  close(): void
}

/** Of a terminal that nobody looks at. */
export const defaultSize: TerminalSize = { rows: 24, columns: 80 }

/**
 * Make a terminal in the devpts that process `pid` holds open as `descriptor`: by way of /proc, no path of the
 * container takes part. Throws when the process is gone.
 */
export const openTerminal = (
  { pid, descriptor }: { pid: number; descriptor: number },
  size: TerminalSize,
  programs: string,
): Terminal => {
  const master = openSync(`/proc/${pid}/fd/${descriptor}/ptmx`, constants.O_RDWR | constants.O_NOCTTY)
  const once = (action: string, program: Parameters<typeof runOnce>[0]) =>
    runOnce(program, { action, folder: programs, descriptors: [master] })
  const { stdout } = once('Cannot make a terminal', unlockTerminal(firstDescriptor, size))
  const stream = new ReadStream(master)
  return {
    stream,
    number: stdout.readInt32LE(0),
    resize: wanted => {
      if (!stream.destroyed)
        once('Cannot set the size of the terminal', resizeTerminal(firstDescriptor, wanted))
    },
    close: () => stream.destroy(),
  }
}
