import { readBootId } from '../../store/boot-id.js'
import type { PublishedPort } from '../settings.js'
import { isAlive, type ProcessIdentity } from './process-identity.js'

export type ContainerStatus = 'created' | 'running' | 'paused' | 'exited' | 'dead'

/**
 * How a container does. Written by one process only: whoever watches it, the command that runs it in the
 * foreground or its supervisor.
 */
export interface ContainerState {
  /** Never `paused`: that is asked of the kernel. `dead`: it could not be removed whole. */
  readonly status: Exclude<ContainerStatus, 'paused'>
  /** The container's first process. */
  readonly process?: ProcessIdentity
  /** Whoever starts it or watches it. */
  readonly watcher?: ProcessIdentity
  readonly exitCode: number
  readonly oomKilled: boolean
  /** Why it did not start, or how its end was found out. */
  readonly error: string
  /** RFC 3339. */
  readonly startedAt?: string
  readonly finishedAt?: string
  /** On the bridge. */
  readonly address?: {
    readonly ip: string
    readonly prefix: number
    readonly gateway: string
    readonly mac: string
  }
  /** Published, with the ports of the host that were found for 0. */
  readonly ports?: readonly PublishedPort[]
}

export const createdState: ContainerState = { status: 'created', exitCode: 0, oomKilled: false, error: '' }

/** Whether somebody is at it: it runs, or is about to. */
export const isActive = (state: ContainerState): boolean =>
  state.status !== 'exited' && (isAlive(state.process) || isAlive(state.watcher))

/** Whether it is there without whoever watched it. */
export const isOrphan = (state: ContainerState): boolean =>
  state.watcher !== undefined && isAlive(state.process) && !isAlive(state.watcher)

/** Whether its end has been noted by nobody: the machine or its watcher went down. */
export const isLost = (state: ContainerState): boolean => state.status === 'running' && !isActive(state)

/**
 * What is true whatever the record says: a container whose process and watcher are gone runs no more. With its
 * watcher it was killed (137, PR_SET_PDEATHSIG); after a boot nobody knows how it ended (255, as docker has it).
 */
export const settled = (state: ContainerState): ContainerState => {
  if (!isLost(state)) return state
  const rebooted = state.process?.boot !== readBootId()
  const { process: _, watcher: __, address: ___, ports: ____, ...rest } = state
  return {
    ...rest,
    status: 'exited',
    exitCode: rebooted ? 255 : 137,
    error: rebooted ? 'The machine went down while it ran' : 'It was killed with the process that watched it',
  }
}
