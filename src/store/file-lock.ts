import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LibraryFunction, loadCLibrary } from '../bytes/libc.js'
import { LadingError } from '../spec/errors.js'

export type LockKind = 'shared' | 'exclusive'

/** From <sys/file.h>; the same on Linux and macOS. */
const operations = { shared: 1, exclusive: 2, dontWait: 4 } as const

let flock: LibraryFunction | undefined

/**
 * flock(2), which Node does not have. The kernel holds it for the open file, and lets go when the process is
 * gone, however it went: no stale lock files, no guessing from process numbers.
 */
const loadFlock = async (): Promise<LibraryFunction> => {
  flock ??= (await loadCLibrary()).bind('int flock(int fd, int operation)')
  return flock
}

/** Try once. */
export const tryLock = async (handle: FileHandle, kind: LockKind): Promise<boolean> =>
  (await loadFlock())(handle.fd, operations[kind] | operations.dontWait) === 0

/** How long others may keep a lock: they hold it for moments, garbage collection for seconds. */
const patience = 60_000

/** Run `work` under a lock on `path`. Throws LOCKED when it cannot be had within a minute. */
export const withLock = async <Result>(
  path: string,
  kind: LockKind,
  work: () => Promise<Result>,
): Promise<Result> => {
  const handle = await open(path, 'a', 0o600)
  try {
    const deadline = Date.now() + patience
    for (let pause = 1; !(await tryLock(handle, kind)); pause = Math.min(pause * 2, 50)) {
      if (Date.now() > deadline)
        throw new LadingError(
          'LOCKED',
          `Cannot lock ${path}: another process has held it for ${patience / 1000} seconds`,
        )
      await sleep(pause)
    }
    return await work()
  } finally {
    await handle.close()
  }
}
