/**
 * Putting a container on the bridge. The host makes the pair of links, one half in the container's namespace;
 * address and route must be set there, which a process with threads cannot do from outside. So the container's
 * own set-up waits for an order, netlink messages as they are to be sent, and sends them. The program can thus
 * be started before an address is given.
 */
import { LadingError } from '../../spec/errors.js'
import { launcherFds, type ProgramStep, type Slot } from '../launcher/program.js'
import { addressBytes, addressNumber, macOf, type Subnet, subnetOf } from './address.js'
import { findLink } from './bridge.js'
import {
  addAddress,
  addDefaultRoute,
  addVeth,
  bringUp,
  deleteInet6Address,
  deleteLink,
  getLink,
  listLinks,
  setAlias,
  setMaster,
  withoutInet6,
} from './links.js'
import { familyInet } from './netlink.js'
import { readLink } from './netlink-answer.js'
import { withNetlink } from './netlink-socket.js'
import type { BridgeNetwork } from './network.js'
import type { Lease } from './pool.js'

/** What the link is called in the container. */
const inside = 'eth0'

/** At most 15 bytes may a link's name have: 48 bits of the container's id tell the links apart. */
export const linkNameOf = (id: string): string => `ldg${id.slice(0, 12)}`

/** How the kernel remembers whose link it is. */
const aliasOf = (network: BridgeNetwork, id: string): string => `lading ${network.id} ${id}`

/**
 * Make the container's link, in the network namespace of the process `pid` of this process's PID namespace, and
 * give the order for the steps of insideSteps. What a container of this id left behind is replaced. Throws
 * NETWORK: ESRCH when the process is gone.
 */
export const attachHostSide = (network: BridgeNetwork, lease: Lease, pid: number): Promise<Buffer> =>
  withNetlink(netlink => {
    const link = linkNameOf(lease.tenant.id)
    const master = findLink(netlink, network.bridge)
    if (!master) throw new LadingError('NETWORK', `Cannot add a link to bridge ${network.bridge}: it is gone`)
    const veth = addVeth({ link, inside, insideMac: macOf(addressNumber(lease.address)), pid })
    if (netlink.change(veth, ['EEXIST'])) {
      netlink.change(deleteLink(link), ['ENODEV'])
      netlink.change(veth)
    }
    netlink.change(setAlias(link, aliasOf(network, lease.tenant.id)))
    netlink.change(withoutInet6(link))
    netlink.change(setMaster(link, master.index))
    netlink.change(bringUp(link))
    // That the other half is up comes to a port by deferred work of the kernel, and until then what a container
    // sends is lost: its first question for an address, so a second. Whoever asks about a link, and then about the
    // bridge, has that work done before the answer (Linux 6.8; before, it is done within moments).
    const peer = findLink(netlink, link)?.peerIndex
    findLink(netlink, network.bridge)
    if (peer === undefined)
      throw new LadingError('NETWORK', `Cannot set up ${inside}: link ${link} is gone again`)
    return orderOf(lease, peer)
  })

/** Take the container's link away; none is no error. */
export const detachHostSide = (id: string): Promise<void> =>
  withNetlink(netlink => {
    netlink.change(deleteLink(linkNameOf(id)), ['ENODEV'])
  })

/**
 * Delete the links of this network's containers that are gone; their names. `living` is asked after the links
 * were listed: whoever had one by then has a record by now.
 */
export const deleteStaleLinks = async (
  network: BridgeNetwork,
  living: () => Promise<ReadonlySet<string>>,
): Promise<readonly string[]> => {
  const start = aliasOf(network, '')
  const links = (await withNetlink(netlink => netlink.query(listLinks)))
    .map(readLink)
    .filter(link => link.alias?.startsWith(start))
  const alive = await living()
  const stale = links.filter(link => !alive.has(link.alias!.slice(start.length))).map(link => link.name)
  await withNetlink(netlink => {
    for (const name of stale) netlink.change(deleteLink(name), ['ENODEV'])
  })
  return stale
}

/** The messages for the container's side; `index` is its link's, in its namespace. */
export const insideMessages = (lease: Lease, index: number): readonly Buffer[] => {
  const address = addressNumber(lease.address)
  const subnet: Subnet = subnetOf(address, lease.prefix)
  return [
    bringUp('lo'),
    withoutInet6(inside),
    deleteInet6Address(index, macOf(address)),
    addAddress(index, address, subnet),
    addDefaultRoute(addressNumber(lease.gateway)),
    // Has the deferred work for this half done too.
    getLink(inside),
  ].map(request => request.bytes)
}

/** Bytes of an order: the messages, filled up with zeros, which the kernel takes for the end; and a socket address. */
const messagesSize = 512
const socketAddressSize = 16
export const orderSize = messagesSize + socketAddressSize

/** struct sockaddr_in, any port. */
const socketAddress = (address: number, port = 0): Buffer => {
  const bytes = Buffer.alloc(socketAddressSize)
  bytes.writeUInt16LE(familyInet, 0)
  bytes.writeUInt16BE(port, 2)
  addressBytes(address).copy(bytes, 4)
  return bytes
}

const orderOf = (lease: Lease, index: number): Buffer => {
  const order = Buffer.alloc(orderSize)
  Buffer.concat(insideMessages(lease, index)).copy(order)
  socketAddress(addressNumber(lease.address)).copy(order, messagesSize)
  return order
}

const socket = { netlink: 16, raw: 3, datagram: 2, closeOnExec: 0x80000 } as const
/** TEST-NET-2 of RFC 5737: an address that nobody has and only a default route leads to. */
const somewhere = 0xc6336401

/**
 * The steps that wait for the order on the launcher's descriptor for orders and carry it out, in the container's
 * network namespace, with the capabilities of its root. The same Uint8Array in two steps is one piece of the
 * program's memory. Steps cannot read answers, so the messages are sent without looking, and what they were to
 * bring about is then asked for in ways that fail with the right error: a socket is bound to the address, and
 * connected (no packet is sent) to where only the default route leads. Where no order comes, one of the two fails.
 */
export const insideSteps = (slots: {
  readonly first: Slot
  readonly second: Slot
}): readonly ProgramStep[] => {
  const messages = Buffer.alloc(messagesSize)
  const own = socketAddress(somewhere)
  const { first: netlink, second: probe } = slots
  const call = (name: string, callName: string, args: ProgramCallArguments, save?: Slot): ProgramStep => ({
    kind: 'call',
    name,
    call: callName,
    args,
    ...(save && { save }),
  })
  return [
    call('wait for the network', 'read', [launcherFds.orders, messages, messagesSize]),
    call('wait for the address', 'read', [launcherFds.orders, own, socketAddressSize]),
    call('open a netlink socket', 'socket', [socket.netlink, socket.raw | socket.closeOnExec, 0], netlink),
    call(`set up ${inside}`, 'sendto', [netlink, messages, messagesSize, 0, 0, 0]),
    call('close the netlink socket', 'close', [netlink]),
    call(
      `open a socket to try ${inside}`,
      'socket',
      [familyInet, socket.datagram | socket.closeOnExec, 0],
      probe,
    ),
    call(`have an address on ${inside}`, 'bind', [probe, own, socketAddressSize]),
    call(`have a default route by ${inside}`, 'connect', [
      probe,
      socketAddress(somewhere, 9),
      socketAddressSize,
    ]),
    call(`close the socket to try ${inside}`, 'close', [probe]),
  ]
}

type ProgramCallArguments = Extract<ProgramStep, { kind: 'call' }>['args']
