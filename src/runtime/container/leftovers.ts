import { hostControlGroups } from '../cgroup/host.js'
import { isRootless } from '../rootless/is-rootless.js'
import { leaveContainerNetwork } from './container-network.js'
import { isAlive } from './process-identity.js'
import { type Container, readState, writeState } from './record.js'
import { isLost, isOrphan, settled } from './state.js'
import { killContainer } from './stop.js'

/**
 * Whether it was killed with its watcher and only does not notice, as it is frozen: paused, or by a command that was killed
 * over its files. What an OCI runtime has started lives on without its watcher.
 */
export const isDoomed = ({ settings, state }: Container): boolean =>
  settings.runtime === 'launcher' && isOrphan(state)

/**
 * Clean up after a container whose watcher was killed or went down with the machine, while it ran or was about to: its
 * control group, its link and address; and note what is known of its end. Idempotent; nothing happens where nothing was left.
 */
export const settleLost = async (container: Container): Promise<void> => {
  const written = readState(container.places)
  // A watcher that has seen to the end says so by not being named any more.
  if (written.watcher === undefined || isAlive(written.watcher)) return
  if (isAlive(written.process)) {
    if (!isDoomed(container)) return
    await killContainer(container)
  }
  if (!isRootless()) await hostControlGroups().find(container.settings.id).remove()
  await leaveContainerNetwork(container)
  const { watcher: _, process: __, ...rest } = settled(written)
  writeState(container, { ...rest, ...(isLost(written) && { finishedAt: new Date().toISOString() }) })
}
