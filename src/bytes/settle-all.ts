import { LadingError } from '../spec/errors.js'
import type { StopFlag } from './threads.js'

/**
 * Wait for all of `works`, then throw what the first of them in order threw. With a flag, the others are told
 * to stop when one fails.
 */
export const settleAll = async <Result>(
  works: readonly Promise<Result>[],
  stop?: StopFlag,
): Promise<Result[]> => {
  for (const work of works) work.catch(() => stop?.raise())
  const settled = await Promise.allSettled(works)
  const failures = settled
    .filter(result => result.status === 'rejected')
    .map(({ reason }) => reason as unknown)
  if (failures.length > 0) throw failures.find(error => !isAborted(error)) ?? failures[0]
  return settled.map(result => (result as PromiseFulfilledResult<Result>).value)
}

const isAborted = (error: unknown): boolean => error instanceof LadingError && error.code === 'ABORTED'
