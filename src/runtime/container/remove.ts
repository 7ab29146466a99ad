import { LadingError } from '../../spec/errors.js'
import { type Container, removeRecord, withRecordLock } from './record.js'
import { isActive } from './state.js'
import { removeAnonymousVolumes } from './volumes.js'

export interface RemoveOptions {
  /** A running one is killed first. */
  readonly force?: boolean
  /** With its volumes that have no name. */
  readonly volumes?: boolean
}

/** Remove a container with all that is its own. Throws CONFLICT in docker's words when it runs. */
export const removeContainer = async (container: Container, options: RemoveOptions = {}): Promise<void> => {
  if (options.force) {
    const { killContainer } = await import('./stop.js')
    await killContainer(container)
  }
  const removed = withRecordLock(container, async current => {
    if (isActive(current.state))
      throw new LadingError(
        'CONFLICT',
        `You cannot remove a running container ${current.settings.id}. Stop the container before attempting removal or force remove`,
      )
    const { settleLost } = await import('./leftovers.js')
    await settleLost(current)
    await removeFiles(current, options)
  })
  await removed.catch(error => {
    // By --rm or a prune, when it had been killed: it is gone as it was to be.
    if (!options.force || !(error instanceof LadingError) || error.code !== 'NOT_FOUND') throw error
  })
}

/** Without a look at whether it runs: for whoever watched it. */
export const removeFiles = async (container: Container, { volumes = false } = {}): Promise<void> => {
  if (volumes) removeAnonymousVolumes(container.all, container.settings)
  await removeRecord(container)
}
