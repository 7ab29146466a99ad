import { setTimeout as sleep } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { connectToWatcher } from './attach.js'
import { isOver } from './control.js'
import { type Container, readRecord } from './record.js'

/**
 * Its exit status, once it has ended; of one that does not run, at once. One that is removed at its end is asked of its
 * watcher; undefined when that cannot be.
 */
export const waitForContainer = async (container: Container): Promise<number | undefined> => {
  let told: number | undefined
  if (!isOver(container)) {
    try {
      told = await (await connectToWatcher(container)).status
    } catch (error) {
      if (!(error instanceof LadingError)) throw error
    }
  }
  while (!isOver(container)) await sleep(20)
  return readRecord(container.all, container.settings.id)?.state.exitCode ?? told
}
