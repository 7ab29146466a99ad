import { hostControlGroups } from '../cgroup/host.js'
import { isRootless } from '../rootless/is-rootless.js'
import { leaveContainerNetwork } from './container-network.js'
import { type Container, readState, writeState } from './record.js'
import { isActive, isLost, settled } from './state.js'

/**
 * Clean up after a container whose watcher was killed or went down with the machine, while it ran or was about to: its
 * control group, its link and address; and note what is known of its end. Idempotent; nothing happens where nothing was left.
 */
export const settleLost = async (container: Container): Promise<void> => {
  const written = readState(container.places)
  // A watcher that has seen to the end says so by not being named any more.
  if (written.watcher === undefined || isActive(written)) return
  if (!isRootless()) await hostControlGroups().find(container.settings.id).remove()
  await leaveContainerNetwork(container)
  const { watcher: _, process: __, ...rest } = settled(written)
  writeState(container, { ...rest, ...(isLost(written) && { finishedAt: new Date().toISOString() }) })
}
