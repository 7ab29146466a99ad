import { openSync } from 'node:fs'
import type { Job } from '../../src/bytes/threads.js'
import { LadingError } from '../../src/spec/errors.js'

interface Input {
  readonly count?: number
  readonly bytes?: number
  readonly fail?: 'BAD_TAR' | 'ENOENT' | 'exit'
  readonly endless?: boolean
}

/** A job that can do everything that a job may do, for the tests of threads. */
export const job: Job<Input, number> = ({ count = 0, bytes = 0, fail, endless }, { advance, check }) => {
  if (fail === 'BAD_TAR') throw new LadingError('BAD_TAR', 'No tar', { data: { offset: 512 } })
  if (fail === 'ENOENT') openSync('/nowhere', 'r')
  if (fail === 'exit') process.exit(3)
  while (endless) check()
  for (let told = 0; told < bytes; told += 1 << 20) advance(1 << 20)
  return { output: count }
}
