import { homedir } from 'node:os'
import { join } from 'node:path'
import { algorithmOf, type Digest, hexOf } from '../spec/digest.js'

/** Where things lie in a store. The first three are those of every OCI image layout. */
export interface StorePlaces {
  readonly root: string
  readonly layout: string
  readonly index: string
  readonly blobs: string
  readonly tocs: string
  /** The DiffID of each compressed blob that was measured, a small file each. */
  readonly diffIds: string
  readonly leases: string
  readonly temporary: string
  readonly lock: string
  readonly unsynced: string
}

export const storePlaces = (root: string): StorePlaces => ({
  root,
  layout: join(root, 'oci-layout'),
  index: join(root, 'index.json'),
  blobs: join(root, 'blobs'),
  tocs: join(root, 'toc'),
  diffIds: join(root, 'diffid'),
  leases: join(root, 'leases'),
  temporary: join(root, 'tmp'),
  lock: join(root, 'lock'),
  unsynced: join(root, 'unsynced'),
})

/** `FOLDER/sha256/<hex>`. Safe because a Digest has passed its grammar. */
export const digestPath = (folder: string, digest: Digest): string =>
  join(folder, algorithmOf(digest), hexOf(digest))

/** LADING_STORE, else /var/lib/lading for root, else the XDG data folder. */
export const defaultStoreDirectory = (
  env: NodeJS.ProcessEnv = process.env,
  uid = process.getuid?.(),
): string => {
  if (env.LADING_STORE) return env.LADING_STORE
  if (uid === 0) return '/var/lib/lading'
  return join(env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'lading')
}
