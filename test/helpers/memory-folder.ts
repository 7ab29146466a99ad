import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'

const shared = '/dev/shm'
const gibibyte = 2 ** 30

/** Where a test makes and removes many files: in memory where there is room, which on disk may take minutes. */
export const memoryFolder = (): string => {
  try {
    const { bavail, bsize } = statfsSync(shared)
    return bavail * bsize > 2 * gibibyte ? shared : tmpdir()
  } catch {
    return tmpdir()
  }
}
