import type { Subnet } from './address.js'

/** A bridge of this host with the containers of one state folder on it. */
export interface BridgeNetwork {
  /** What tells its links from those of another folder: kept with each link by the kernel. */
  readonly id: string
  /** Name of the link. */
  readonly bridge: string
  readonly subnet: Subnet
  readonly folder: string
}
