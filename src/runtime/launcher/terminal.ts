import { closeSync, constants, openSync, statfsSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { firstDescriptor, runOnce } from './run-once.js'
import { resizeTerminal, type TerminalSize, terminalOrder, unlockTerminal } from './terminal-steps.js'

/** Of magic.h. */
const devptsMagic = 0x1cd1

/** Our end of a container's terminal. */
export interface OpenTerminal {
  /** To read, to write, for tty.ReadStream; whoever asked closes it. EIO when read is the end. */
  readonly descriptor: number
  /** What to tell the container's set-up (prepared.ts, "Orders"). */
  readonly order: Buffer
}

/**
 * Make a terminal in the devpts that the process `pid` holds as its descriptor `devpts`, as it reported. `folder` is
 * that of launch. UNSUPPORTED when that is no devpts.
 */
export const openTerminal = (
  { pid, devpts }: { readonly pid: number; readonly devpts: number },
  size: TerminalSize,
  folder: string,
): OpenTerminal => {
  const place = `/proc/${pid}/fd/${devpts}`
  // A container that runs may have put something else at its /dev/pts (CVE-2025-52565).
  if (statfsSync(place).type !== devptsMagic)
    throw new LadingError('UNSUPPORTED', 'Cannot open a terminal: /dev/pts of the container is no devpts')
  const descriptor = openSync(`${place}/ptmx`, constants.O_RDWR | constants.O_NOCTTY | constants.O_NOFOLLOW)
  try {
    const { stdout } = runOnce(unlockTerminal(firstDescriptor, size), {
      action: 'Cannot open a terminal',
      folder,
      descriptors: [descriptor],
    })
    return { descriptor, order: terminalOrder(stdout.readUInt32LE(0)) }
  } catch (error) {
    closeSync(descriptor)
    throw error
  }
}

/** Tell the container that its terminal has changed its size. */
export const setTerminalSize = (descriptor: number, size: TerminalSize, folder: string): void => {
  runOnce(resizeTerminal(firstDescriptor, size), {
    action: 'Cannot set the size of a terminal',
    folder,
    descriptors: [descriptor],
  })
}
