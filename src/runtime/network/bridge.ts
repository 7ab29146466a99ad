import { randomUUID } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { LadingError } from '../../spec/errors.js'
import { writeAtomically } from '../../store/atomic-file.js'
import { withLock } from '../../store/file-lock.js'
import { gatewayOf, macOf, parseSubnet, type Subnet, subnetText } from './address.js'
import {
  addAddress,
  addBridge,
  bringUp,
  deleteAddress,
  deleteLink,
  getLink,
  listAddresses,
  setMac,
} from './links.js'
import { allowOut, forbidOut } from './nat.js'
import { type Link, readAddress, readLink } from './netlink-answer.js'
import { type Netlink, withNetlink } from './netlink-socket.js'
import type { BridgeNetwork } from './network.js'
import { networkPlaces } from './places.js'
import { claimSubnet } from './subnet-choice.js'

/** What of a network is recorded; the bridge has no subnet until one is claimed. */
interface Recorded {
  readonly id: string
  readonly bridge: string
  readonly subnet: string
}

export interface OpenedNetwork {
  readonly network: BridgeNetwork
  /** What does not work on this host, in words: no way out. */
  readonly notes: readonly string[]
}

const longestLinkName = 15

/**
 * The network of `folder`, with its bridge there and up. The first time a subnet is chosen and recorded with the
 * bridge's name, which stays; after a reboot all is set up again; else this is two small reads and one question
 * to the kernel. Idempotent, also when many processes do it at once. Throws NETWORK when the kernel refuses
 * (EPERM: not root), or when the name is that of a link that is no bridge.
 */
export const openNetwork = async (folder: string, bridge = 'lading0'): Promise<OpenedNetwork> => {
  if (!/^[a-zA-Z0-9_.-]+$/.test(bridge) || bridge.length > longestLinkName)
    throw new LadingError(
      'USAGE',
      `Bad bridge name ${JSON.stringify(bridge)}: wanted at most ${longestLinkName} letters, digits, _, . or -`,
    )
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const places = networkPlaces(folder)
  return withLock(places.lock, 'exclusive', async () => {
    const recorded = await readRecord(places.record)
    const name = recorded?.bridge ?? bridge
    const ready = await readFile(places.ready, 'utf8').catch(() => '')
    if (recorded && ready) {
      const [mark, ...notes] = ready.trimEnd().split('\n')
      const link = await withNetlink(netlink => findLink(netlink, name))
      if (link?.up && mark === (await markOf(link)))
        return { network: { ...recorded, folder, subnet: parseSubnet(recorded.subnet) }, notes }
    }
    const known = recorded && parseSubnet(recorded.subnet)
    const { link, subnet } = await withNetlink(netlink => makeBridge(netlink, name, known))
    const record = recorded ?? { id: randomUUID(), bridge: name, subnet: subnetText(subnet) }
    if (!recorded) await writeAtomically(places.record, Buffer.from(JSON.stringify(record)), folder)
    const notes = await allowOut(name, subnet)
    await writeFile(places.ready, `${[await markOf(link), ...notes].join('\n')}\n`, { mode: 0o600 })
    return { network: { ...record, folder, subnet }, notes }
  })
}

/** What is known of a folder's network without setting anything up; undefined before its first container. */
export const recordedNetwork = async (
  folder: string,
): Promise<
  { readonly bridge: string; readonly subnet: string; readonly notes: readonly string[] } | undefined
> => {
  const places = networkPlaces(folder)
  const recorded = await readRecord(places.record)
  const ready = await readFile(places.ready, 'utf8').catch(() => '')
  return recorded && { ...recorded, notes: ready.trimEnd().split('\n').slice(1) }
}

const readRecord = async (path: string): Promise<Recorded | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Recorded
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof SyntaxError)
      throw new LadingError('STORE_CORRUPT', `Cannot read ${path}: it is not JSON. Remove it to begin anew`)
    throw error
  }
}

/** What names a link for as long as it is there: the boot, the network namespace, the index, which is not given again. */
const markOf = async (link: Link): Promise<string> => {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
  const { ino } = await stat('/proc/self/ns/net')
  return `${boot.trim()} ${ino} ${link.index}`
}

export const findLink = (netlink: Netlink, name: string): Link | undefined =>
  netlink.query(getLink(name)).map(readLink)[0]

const makeBridge = (
  netlink: Netlink,
  name: string,
  known: Subnet | undefined,
): { link: Link; subnet: Subnet } => {
  const was = netlink.change(addBridge(name), ['EEXIST'])
  const link = findLink(netlink, name)
  if (link?.kind !== 'bridge')
    throw new LadingError(
      'NETWORK',
      `Cannot use ${name} as a bridge: found a link of kind ${link?.kind ?? 'none'}`,
    )
  netlink.change(bringUp(name))
  const subnet = known ?? claimSubnet(netlink, link)
  netlink.change(addAddress(link.index, gatewayOf(subnet), subnet), ['EEXIST'])
  if (!was) netlink.change(setMac(name, macOf(gatewayOf(subnet))))
  return { link, subnet }
}

/** Undo openNetwork, but for the record; a bridge that other folders use too stays. No container may be on it. */
export const closeNetwork = async ({ folder, bridge, subnet }: BridgeNetwork): Promise<void> => {
  await withLock(networkPlaces(folder).lock, 'exclusive', async () => {
    const isLast = await withNetlink(netlink => {
      const link = findLink(netlink, bridge)
      if (!link) return true
      netlink.change(deleteAddress(link.index, gatewayOf(subnet), subnet), ['EADDRNOTAVAIL'])
      const others = netlink.query(listAddresses).map(readAddress)
      if (others.some(address => address.index === link.index)) return false
      netlink.change(deleteLink(bridge), ['ENODEV'])
      return true
    })
    await forbidOut(bridge, subnet, isLast)
  })
}
