/**
 * Blobs whose bytes the disk may not have yet. Waiting for it costs more than all the rest of a load, so a
 * load does not: it lists the blob here with the machine's boot id. After a minute the kernel has written it,
 * and asking for the sync costs nothing: later commands do that and strike it off. If the machine went down
 * before, the boot id has changed, and the blob is read and checked before anything uses it.
 */
import { appendFile, open, stat } from 'node:fs/promises'
import { fileSource } from '../bytes/file-source.js'
import { createHasher } from '../bytes/hasher.js'
import { textOfFile } from '../bytes/text-of-file.js'
import { algorithmOf, type Digest, isDigest } from '../spec/digest.js'
import { writeAtomically } from './atomic-file.js'
import { digestPath, type StorePlaces } from './places.js'

const settledAfter = 60_000

export const noteUnsynced = async (places: StorePlaces, bootId: string, digest: Digest): Promise<void> =>
  appendFile(places.unsynced, `${bootId} ${digest}\n`, { mode: 0o600 })

/** Under the exclusive lock: check what a power cut may have taken, sync what is old enough. Returns what did not survive. */
export const settleUnsynced = async (places: StorePlaces, bootId: string): Promise<readonly Digest[]> => {
  const entries = readEntries(places)
  const left: string[] = []
  const lost: Digest[] = []
  for (const { boot, digest } of entries) {
    const path = digestPath(places.blobs, digest)
    const age = await stat(path).then(
      status => Date.now() - status.mtimeMs,
      () => undefined,
    )
    if (age === undefined) continue
    if (boot !== bootId) {
      if (!(await isIntact(path, digest))) lost.push(digest)
    } else if (age < settledAfter) left.push(`${boot} ${digest}\n`)
    else await syncFile(path)
  }
  if (left.length !== entries.length)
    await writeAtomically(places.unsynced, Buffer.from(left.join('')), places.temporary)
  return lost
}

/** Whether some blob was written before the machine last started, and not checked since. */
export const needsCheck = (places: StorePlaces, bootId: string): boolean =>
  readEntries(places).some(({ boot }) => boot !== bootId)

/** Take blobs that are gone off the list. Under the exclusive lock. */
export const strikeOff = async (places: StorePlaces, gone: ReadonlySet<Digest>): Promise<void> => {
  const entries = readEntries(places)
  const left = entries.filter(({ digest }) => !gone.has(digest))
  if (left.length === entries.length) return
  const text = left.map(({ boot, digest }) => `${boot} ${digest}\n`).join('')
  await writeAtomically(places.unsynced, Buffer.from(text), places.temporary)
}

const readEntries = (places: StorePlaces): { boot: string; digest: Digest }[] => {
  const text = textOfFile(places.unsynced) ?? ''
  return text.split('\n').flatMap(line => {
    const [boot = '', digest] = line.split(' ')
    return isDigest(digest) ? [{ boot, digest }] : []
  })
}

const isIntact = async (path: string, digest: Digest): Promise<boolean> => {
  const handle = await open(path, 'r')
  try {
    const hasher = createHasher(algorithmOf(digest))
    const { size } = await handle.stat()
    for await (const chunk of fileSource({ fd: handle.fd, offset: 0, length: size }).stream())
      hasher.update(chunk)
    return hasher.digest() === digest
  } finally {
    await handle.close()
  }
}

const syncFile = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
