import { LadingError } from '../../spec/errors.js'
import { withLock } from '../../store/file-lock.js'
import { freezerOf, runningProcess, statusOf } from './control.js'
import { type Container, reread, withRecordLock } from './record.js'
import type { Freezer } from './signal-freezer.js'
import { isActive } from './state.js'

/** Stop all its processes where they are. Throws CONFLICT when it does not run or is paused. */
export const pauseContainer = async (container: Container): Promise<void> => {
  runningProcess(container)
  if ((await statusOf(reread(container))) === 'paused')
    throw new LadingError('CONFLICT', `Container ${container.settings.name} is already paused`)
  await freezerOf(reread(container)).freeze()
}

/** Let them go on. Throws CONFLICT when it is not paused. */
export const unpauseContainer = async (container: Container): Promise<void> => {
  if ((await statusOf(reread(container))) !== 'paused')
    throw new LadingError('CONFLICT', `Container ${container.settings.name} is not paused`)
  await freezerOf(reread(container)).thaw()
}

/**
 * Run `work` while all its processes stand still, where they run: a tree that is read meanwhile is of one moment. One at a
 * time: who is done would let the container go on under the other's hands. It goes on also when this process is told
 * to end. One that does not run is neither started nor removed meanwhile: whoever wants that waits. Throws CONFLICT when
 * somebody else let it go on meanwhile: then what was read is of no one moment.
 */
export const withFrozen = async <Result>(
  container: Container,
  work: () => Promise<Result>,
): Promise<Result> =>
  isActive(reread(container).state)
    ? withFrozenProcesses(container, work)
    : withRecordLock(container, async current =>
        isActive(current.state) ? withFrozenProcesses(current, work) : work(),
      )

const withFrozenProcesses = async <Result>(
  container: Container,
  work: () => Promise<Result>,
): Promise<Result> =>
  withLock(container.places.frozenLock, 'exclusive', async () => {
    const current = reread(container)
    const status = await statusOf(current)
    if (status !== 'running' && status !== 'paused') return work()
    const freezer = freezerOf(current)
    const thaw = status === 'running' ? () => freezer.thaw() : async () => {}
    const stopListening = beforeEnd(thaw)
    try {
      await freezer.freeze()
      const result = await work()
      if (!(await isStill(freezer)))
        throw new LadingError(
          'CONFLICT',
          `Container ${container.settings.name} was let go on while its files were read`,
        )
      return result
    } finally {
      stopListening()
      await thaw()
    }
  })

/** What has no group any more has no processes either: they were killed where they stood. */
const isStill = (freezer: Freezer): Promise<boolean> => freezer.frozen().catch(() => true)

/** Do something first when a signal is to end this process; give up by what is returned. */
const beforeEnd = (work: () => Promise<void>): (() => void) => {
  const listener = (signal: NodeJS.Signals) => {
    stop()
    work().finally(() => process.kill(process.pid, signal))
  }
  const stop = () => {
    for (const signal of signals) process.off(signal, listener)
  }
  for (const signal of signals) process.on(signal, listener)
  return stop
}

const signals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const
