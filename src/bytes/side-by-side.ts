import { settleAll } from './settle-all.js'
import { StopFlag, threadCount } from './threads.js'

/**
 * Do `work` for each of `items`, as many at a time as keep the threads busy; the results in their order. When
 * one fails, no more are begun; those that run are waited for (`stop` tells them to), and then the error
 * of the first in order is thrown.
 */
export const sideBySide = async <Item, Result>(
  items: readonly Item[],
  work: (item: Item, stop: StopFlag) => Promise<Result>,
): Promise<Result[]> => {
  const stop = new StopFlag()
  const results: Result[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length && !stop.raised) {
      const index = next++
      results[index] = await work(items[index]!, stop)
    }
  }
  const lanes = Math.min(items.length, 2 * threadCount)
  await settleAll(Array.from({ length: lanes }, lane), stop)
  return results
}
