import { constants } from 'node:fs'
import { report } from './monitor-steps.js'
import { attachAndClose, cloneMount } from './mount-steps.js'
import { terminalOrderLength } from './prepared.js'
import { launcherFds, type Program, type ProgramStep, type Slot } from './program.js'
import {
  call,
  close,
  fileKinds,
  folderItself,
  here,
  type Names,
  noLinks,
  openHow,
  openHowLength,
  words32,
} from './steps.js'

/**
 * A terminal of the container's own devpts. Node opens its other end: it is told under which descriptor the
 * container's process holds the devpts, opens `/proc/PID/fd/N/ptmx`, and says the number that this made. No path of
 * the container takes part, which could be a link to a terminal or file of the host (CVE-2025-52565).
 */
export const terminalSteps = (
  options: {
    readonly terminals: Slot
    /** Where to show it as /dev/console; absent: nowhere. */
    readonly dev?: Slot
    readonly uid: number
  },
  names: Names,
): readonly ProgramStep[] => {
  const { terminals, dev, uid } = options
  const name = new Uint8Array(terminalOrderLength)
  const terminal = names.slot()
  return [
    report('report where the terminals are', terminals),
    call('wait for the terminal', 'read', [launcherFds.orders, name, name.length]),
    call(
      'open the terminal',
      'openat',
      [terminals, name, constants.O_RDWR | constants.O_NOCTTY | constants.O_NOFOLLOW, 0],
      { save: terminal },
    ),
    ...(dev ? consoleSteps(dev, terminal, names) : []),
    call('give the terminal to the user', 'fchown', [terminal, uid, -1], { onError: 'ignore' }),
    ...[0, 1, 2].map(descriptor =>
      call(`make the terminal descriptor ${descriptor}`, 'dup3', [terminal, descriptor, 0]),
    ),
    close(terminal),
  ]
}

const consoleSteps = (dev: Slot, terminal: Slot, names: Names): readonly ProgramStep[] => {
  const mount = names.slot()
  return [
    call('make /dev/console', 'mknodat', [dev, 'console', fileKinds.regular | 0o600, 0]),
    cloneMount('clone the terminal for /dev/console', { folder: terminal, path: '' }, mount),
    ...attachAndClose('attach the terminal at /dev/console', mount, { folder: dev, path: 'console' }),
  ]
}

/** Of the controlling terminal, once this process leads a session. */
export const controlTerminal = (): ProgramStep =>
  call('make the terminal the controlling one', 'ioctl', [0, 0x540e, 0])

/** ioctl numbers of asm-generic/ioctls.h. */
const [lock, number, windowSize] = [0x4004_5431, 0x8004_5430, 0x5414]

export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

const sizeBytes = ({ rows, columns }: TerminalSize): Buffer =>
  words32(((columns & 0xffff) << 16) | (rows & 0xffff), 0)

/**
 * A small job for an end of a terminal that Node has opened, given to the program as descriptor `descriptor`:
 * unlock the other end, and write its number, 4 bytes little-endian, to standard output.
 */
export const unlockTerminal = (descriptor: number, size: TerminalSize): Program => {
  const found = words32(0)
  return [
    call('unlock the terminal', 'ioctl', [descriptor, lock, words32(0)]),
    call('ask for the terminal number', 'ioctl', [descriptor, number, found]),
    call('set the size of the terminal', 'ioctl', [descriptor, windowSize, sizeBytes(size)]),
    call('write the terminal number', 'write', [1, found, found.length]),
    { kind: 'exit', status: 0 },
  ]
}

/** Tell the programs on a terminal its new size. */
export const resizeTerminal = (descriptor: number, size: TerminalSize): Program => [
  call('set the size of the terminal', 'ioctl', [descriptor, windowSize, sizeBytes(size)]),
  { kind: 'exit', status: 0 },
]

/** The order that answers the report: which terminal it is. */
export const terminalOrder = (number: number): Buffer => {
  const order = Buffer.alloc(terminalOrderLength)
  order.write(String(number))
  return order
}

/** Find the terminals of a container that runs. A link at /dev/pts, put there by the container, is an error. */
export const openTerminals = (terminals: Slot): ProgramStep =>
  call(
    'open /dev/pts, which must be no link',
    'openat2',
    [here, '/dev/pts', openHow(folderItself, noLinks), openHowLength],
    {
      save: terminals,
    },
  )
