import { randomUUID } from 'node:crypto'
import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isDigest } from '../spec/digest.js'
import { tryLock, withLock } from './file-lock.js'
import type { StorePlaces } from './places.js'

/**
 * What a running process needs kept although nothing names it yet: a file that lists digests and that the
 * process holds locked for as long as it lives. A lease that nobody holds is a dead process's.
 */
export interface Lease {
  readonly id: string
  /** Keep the blob: from now on no garbage collection takes it. */
  pin(digest: Digest): Promise<void>
  release(): Promise<void>
}

export const takeLease = async (places: StorePlaces): Promise<Lease> => {
  const id = randomUUID()
  const path = join(places.leases, id)
  // Under the store's lock: between being made and being locked a lease would look like a dead process's.
  const handle = await withLock(places.lock, 'shared', async () => {
    const made = await open(path, 'ax', 0o600)
    await tryLock(made, 'exclusive')
    return made
  })
  const pinned = new Set<Digest>()
  return {
    id,
    // The store's lock, so that a collection that has read the leases has read this.
    pin: async digest => {
      if (pinned.has(digest)) return
      pinned.add(digest)
      await withLock(places.lock, 'shared', () => handle.appendFile(`${digest}\n`))
    },
    release: async () => {
      await rm(path, { force: true })
      await handle.close()
    },
  }
}

export interface LeaseReport {
  /** Of processes that live. */
  readonly ids: ReadonlySet<string>
  readonly pinned: ReadonlySet<Digest>
}

/** What living processes pin, those of `except` left out; the leases of dead ones are removed. Under the exclusive lock. */
export const readLeases = async (places: StorePlaces, except?: string): Promise<LeaseReport> => {
  const ids = new Set<string>()
  const pinned = new Set<Digest>()
  for (const id of await readdir(places.leases)) {
    if (id === except) continue
    const path = join(places.leases, id)
    if (await isDead(path)) {
      await rm(path, { force: true })
      continue
    }
    ids.add(id)
    for (const line of (await readFile(path, 'utf8')).split('\n')) if (isDigest(line)) pinned.add(line)
  }
  return { ids, pinned }
}

const isDead = async (path: string): Promise<boolean> => {
  const handle: FileHandle = await open(path, 'r')
  try {
    return await tryLock(handle, 'shared')
  } finally {
    await handle.close()
  }
}
