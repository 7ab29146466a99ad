import { join } from 'node:path'

/** What a network keeps in its folder. */
export interface NetworkPlaces {
  /** The subnet and the name of the bridge, made once. */
  readonly record: string
  /** What of the host has been set up since it was booted. */
  readonly ready: string
  /** A file for each address that is given, named after it. */
  readonly leases: string
  /** Held for moments by whoever changes any of these, or a hosts file. */
  readonly lock: string
}

export const networkPlaces = (folder: string): NetworkPlaces => ({
  record: join(folder, 'network.json'),
  ready: join(folder, 'ready.json'),
  leases: join(folder, 'leases'),
  lock: join(folder, 'lock'),
})
