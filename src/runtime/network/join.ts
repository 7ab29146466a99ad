/** A container's coming to a network and its going. */
import { writeFileSync } from 'node:fs'
import { deleteStaleLinks, detachHostSide } from './attach.js'
import { type HostsContent, hostsText, updateHostsFile } from './hosts.js'
import type { BridgeNetwork } from './network.js'
import {
  dropLease,
  giveLease,
  type Lease,
  readLeases,
  reclaimLeases,
  type Tenant,
  withNetworkLock,
} from './pool.js'

/**
 * Give the container an address, write its hosts file and bring those of the others up to date. The container's
 * record is there already, else a prune would take the address back. Idempotent.
 */
export const joinNetwork = (
  network: BridgeNetwork,
  tenant: Tenant,
  hosts: Omit<HostsContent, 'address'>,
): Promise<Lease> =>
  withNetworkLock(network, () => {
    const lease = giveLease(network, tenant)
    writeFileSync(tenant.hostsFile, hostsText({ ...hosts, address: lease.address }), { mode: 0o644 })
    updateAllHosts(network)
    return lease
  })

/** Give a container on the network other names; in its own hosts file nothing changes. */
export const renameInNetwork = (network: BridgeNetwork, tenant: Tenant): Promise<void> =>
  withNetworkLock(network, () => {
    giveLease(network, tenant)
    updateAllHosts(network)
  })

/** After the container's end: its link, address and name go. Idempotent. */
export const leaveNetwork = async (network: BridgeNetwork, id: string): Promise<void> => {
  await detachHostSide(id)
  await withNetworkLock(network, () => {
    dropLease(network, id)
    updateAllHosts(network)
  })
}

export interface PrunedNetwork {
  /** Names of links. */
  readonly links: readonly string[]
  readonly addresses: readonly string[]
}

/**
 * Take away what containers left that are gone without leaving: killed with all that watched them. `living` gives
 * the ids of all others, those that are just starting too; it is asked late, under the network's lock.
 */
export const pruneNetwork = (
  network: BridgeNetwork,
  living: () => Promise<ReadonlySet<string>>,
): Promise<PrunedNetwork> =>
  withNetworkLock(network, async () => {
    const links = await deleteStaleLinks(network, living)
    const stale = await reclaimLeases(network, living)
    if (stale.length > 0) updateAllHosts(network)
    return { links, addresses: stale.map(lease => lease.address) }
  })

const updateAllHosts = (network: BridgeNetwork): void => {
  const leases = readLeases(network).filter(lease => lease.tenant.hostsFile !== '')
  for (const { address, tenant } of leases) {
    const others = leases.filter(lease => lease.address !== address)
    updateHostsFile(
      tenant.hostsFile,
      others.map(other => ({ address: other.address, names: other.tenant.names })),
    )
  }
}
