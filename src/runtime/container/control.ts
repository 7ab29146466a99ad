import { LadingError } from '../../spec/errors.js'
import type { ControlGroup } from '../cgroup/control-group.js'
import { hostControlGroups } from '../cgroup/host.js'
import { isAlive } from './process-identity.js'
import { type Container, reread } from './record.js'
import { type Freezer, signalFreezer } from './signal-freezer.js'
import { type ContainerStatus, isActive } from './state.js'

/** The control group of a container; undefined where containers have none. */
export const groupOf = ({ settings }: Container): ControlGroup | undefined => {
  try {
    return hostControlGroups().find(settings.id)
  } catch (error) {
    if (error instanceof LadingError && error.code === 'UNSUPPORTED') return undefined
    throw error
  }
}

/** What makes all processes of a container stand still that runs: its control group, or signals. */
export const freezerOf = (container: Container): Freezer => {
  const group = groupOf(container)
  const { process } = container.state
  return group ?? signalFreezer(process?.pid ?? runningProcess(container))
}

/** As it is now; whether it is paused is asked of the kernel. */
export const statusOf = async (container: Container): Promise<ContainerStatus> => {
  const { state } = container
  // One that is just ending has no group to ask.
  if (state.status !== 'running' || !isAlive(state.process)) return state.status
  try {
    return (await freezerOf(container).frozen()) ? 'paused' : 'running'
  } catch {
    // Its group is gone already: it is just ending.
    return state.status
  }
}

/** The number of its first process. Throws CONFLICT in docker's words when it does not run. */
export const runningProcess = (container: Container): number => {
  const { state, settings } = reread(container)
  if (state.status === 'running' && state.process && isAlive(state.process)) return state.process.pid
  throw new LadingError('CONFLICT', `Container ${settings.name} is not running`, {
    data: { id: settings.id },
  })
}

/** Send a signal; one that is gone in this moment got none. */
export const signalContainer = (container: Container, signal: number): void => {
  try {
    process.kill(runningProcess(container), signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Whether it was removed, or has ended and that is noted. */
export const isOver = (container: Container): boolean => {
  try {
    return !isActive(reread(container).state)
  } catch (error) {
    if (error instanceof LadingError && error.code === 'NOT_FOUND') return true
    throw error
  }
}
