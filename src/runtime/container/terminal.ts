import { ReadStream } from 'node:tty'
import { openTerminal as openDescriptor, setTerminalSize } from '../launcher/terminal.js'
import type { TerminalSize } from '../launcher/terminal-steps.js'

/** Our end of a container's terminal. */
export interface Terminal {
  /** What is shown on it; written to, it is what is typed. Ends when no process has its other end any more. */
  readonly stream: ReadStream
  /** What tells the container's set-up which one it is. */
  readonly order: Buffer
  resize(size: TerminalSize): void
  close(): void
}

/** Of a terminal that nobody looks at. */
export const defaultSize: TerminalSize = { rows: 24, columns: 80 }

/** Make a terminal in the devpts that process `pid` holds open as `devpts`. Throws UNSUPPORTED, and when the process is gone. */
export const openTerminal = (
  process: { readonly pid: number; readonly devpts: number },
  size: TerminalSize,
  programs: string,
): Terminal => {
  const { descriptor, order } = openDescriptor(process, size, programs)
  const stream = new ReadStream(descriptor)
  return {
    ...{ stream, order },
    resize: wanted => {
      if (!stream.destroyed) setTerminalSize(descriptor, wanted, programs)
    },
    close: () => stream.destroy(),
  }
}
