import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Digest, isDigest } from '../spec/digest.js'
import { readLeases } from './lease.js'
import { readPins } from './pins.js'
import { digestPath, type StorePlaces } from './places.js'
import { reachable } from './reachable.js'
import { readRoots } from './store-index.js'
import { strikeOff } from './unsynced.js'

export interface Swept {
  readonly blobs: readonly Digest[]
  /** Bytes of blobs. */
  readonly bytes: number
}

/**
 * Remove what nothing names, no container needs and no living process pins: blobs, tables of contents, drafts. Under the
 * exclusive lock. With `only`, just those blobs, as far as they may go: how a failed load cleans up after
 * itself; `except` is the lease that it is about to give back.
 */
export const sweep = async (
  places: StorePlaces,
  only?: Iterable<Digest>,
  except?: string,
): Promise<Swept> => {
  const keep = await reachable(places, [...(await readRoots(places)), ...(await readPins(places))])
  const leases = await readLeases(places, except)
  const candidates = only === undefined ? await listBlobs(places) : [...only]
  const gone = candidates.filter(digest => !keep.has(digest) && !leases.pinned.has(digest))
  let bytes = 0
  for (const digest of gone) {
    const path = digestPath(places.blobs, digest)
    bytes += await stat(path).then(
      status => status.size,
      () => 0,
    )
    await forgetLayer(places, digest)
    await rm(path, { force: true })
  }
  await strikeOff(places, new Set(gone))
  if (only === undefined) await sweepTables(places)
  for (const name of await readdir(places.temporary))
    if (![...leases.ids].some(id => name.includes(id)))
      await rm(join(places.temporary, name), { force: true, recursive: true })
  return { blobs: gone, bytes }
}

export const listBlobs = async (places: StorePlaces): Promise<Digest[]> => {
  const algorithms = await readdir(places.blobs)
  const found: Digest[] = []
  for (const algorithm of algorithms)
    for (const hex of await readdir(join(places.blobs, algorithm)))
      if (isDigest(`${algorithm}:${hex}`)) found.push(`${algorithm}:${hex}` as Digest)
  return found
}

/** The table of contents and the DiffID record that belong to a blob. */
const forgetLayer = async (places: StorePlaces, digest: Digest): Promise<void> => {
  const record = digestPath(places.diffIds, digest)
  const diffId = (await readFile(record, 'utf8').catch(() => digest)).trim()
  if (isDigest(diffId)) await rm(digestPath(places.tocs, diffId), { force: true })
  await rm(record, { force: true })
}

/** Tables whose layer is in the store in no form. */
const sweepTables = async (places: StorePlaces): Promise<void> => {
  const known = new Set<string>(await listBlobs(places))
  for (const hex of await readdir(join(places.diffIds, 'sha256'))) {
    const record = join(places.diffIds, 'sha256', hex)
    if (known.has(`sha256:${hex}`)) known.add((await readFile(record, 'utf8')).trim())
    else await rm(record, { force: true })
  }
  for (const hex of await readdir(join(places.tocs, 'sha256')))
    if (!known.has(`sha256:${hex}`)) await rm(join(places.tocs, 'sha256', hex), { force: true })
}
