/**
 * Who has which address. A lease is a small file named after the address that says whose it is; files are made
 * and removed under the network's lock, so however many processes ask, no address is given twice, and a process
 * that dies leaves either no lease or a whole one. Leases are not synced to disk: they are about containers that
 * run, and none does after a power cut. What is done under the lock is small, so it is done at once: others wait.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { withLock } from '../../store/file-lock.js'
import { addressNumber, addressText, broadcastOf, gatewayOf, macOf, macText, subnetText } from './address.js'
import type { BridgeNetwork } from './network.js'
import { networkPlaces } from './places.js'

export interface Tenant {
  /** The container's, 64 hex digits. */
  readonly id: string
  /** What others may call it: its name, its hostname. */
  readonly names: readonly string[]
  /** Absolute path of the file that the container sees as /etc/hosts. */
  readonly hostsFile: string
}

export interface Lease {
  /** `10.88.0.2`. */
  readonly address: string
  readonly gateway: string
  /** Bits of the subnet. */
  readonly prefix: number
  /** `02:42:0a:58:00:02`. */
  readonly mac: string
  readonly tenant: Tenant
}

/** A file that could not be read has no tenant: after a power cut. Its address is taken until it is reclaimed. */
const nobody: Tenant = { id: '', names: [], hostsFile: '' }

/** Run `work` while nobody else changes leases or hosts files. Not to be nested. */
export const withNetworkLock = <Result>(
  network: BridgeNetwork,
  work: () => Result | Promise<Result>,
): Promise<Result> => withLock(networkPlaces(network.folder).lock, 'exclusive', async () => work())

export const leaseOf = (network: BridgeNetwork, address: number, tenant: Tenant): Lease => ({
  address: addressText(address),
  gateway: addressText(gatewayOf(network.subnet)),
  prefix: network.subnet.prefix,
  mac: macText(macOf(address)),
  tenant,
})

/** All leases, lowest address first. */
export const readLeases = (network: BridgeNetwork): readonly Lease[] => {
  const { leases } = networkPlaces(network.folder)
  const addresses = listNames(leases)
    .filter(name => isIPv4(name))
    .map(addressNumber)
  return addresses
    .sort((a, b) => a - b)
    .map(address => leaseOf(network, address, readTenant(join(leases, addressText(address)))))
}

const listNames = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const readTenant = (path: string): Tenant => {
  try {
    return { ...nobody, ...JSON.parse(readFileSync(path, 'utf8')) }
  } catch (error) {
    // Cut short, or gone since the folder was listed.
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return nobody
    throw error
  }
}

/**
 * Give the tenant the lowest free address; one that has an address keeps it, and its names are brought up to
 * date. Under the network's lock, after the container's record was made. Throws NETWORK when none is free.
 */
export const giveLease = (network: BridgeNetwork, tenant: Tenant): Lease => {
  const { leases } = networkPlaces(network.folder)
  mkdirSync(leases, { recursive: true, mode: 0o700 })
  const known = readLeases(network)
  const own = known.find(lease => lease.tenant.id === tenant.id)
  const address = own ? addressNumber(own.address) : lowestFree(network, known)
  // Renamed into place whole; the lock allows one draft at a time.
  const draft = join(leases, 'draft')
  writeFileSync(draft, JSON.stringify(tenant), { mode: 0o600 })
  renameSync(draft, join(leases, addressText(address)))
  return leaseOf(network, address, tenant)
}

const lowestFree = (network: BridgeNetwork, known: readonly Lease[]): number => {
  const taken = new Set(known.map(lease => addressNumber(lease.address)))
  const last = broadcastOf(network.subnet) - 1
  for (let address = gatewayOf(network.subnet) + 1; address <= last; address++)
    if (!taken.has(address)) return address
  throw new LadingError(
    'NETWORK',
    `Cannot give an address of ${subnetText(network.subnet)}: all ${taken.size} are taken. Remove containers, or prune`,
    { data: { subnet: subnetText(network.subnet), taken: taken.size } },
  )
}

/** Free the addresses of the container `id`; none is no error. Under the network's lock. */
export const dropLease = (network: BridgeNetwork, id: string): void => {
  for (const lease of readLeases(network)) if (lease.tenant.id === id) remove(network, lease)
}

/**
 * Free the addresses of containers that are gone; those that were freed. Under the network's lock. `living`
 * is asked after the leases were read: whoever got one before has a record by now.
 */
export const reclaimLeases = async (
  network: BridgeNetwork,
  living: () => Promise<ReadonlySet<string>>,
): Promise<readonly Lease[]> => {
  const leases = readLeases(network)
  const alive = await living()
  const stale = leases.filter(lease => !alive.has(lease.tenant.id))
  for (const lease of stale) remove(network, lease)
  return stale
}

const remove = (network: BridgeNetwork, lease: Lease): void =>
  rmSync(join(networkPlaces(network.folder).leases, lease.address), { force: true })
