/** The requests that lading makes of rtnetlink, one function each. */
import { existsSync } from 'node:fs'
import { addressBytes, addressText, broadcastOf, type Subnet } from './address.js'
import {
  addressAttribute,
  addressStructure,
  attribute,
  defaultRouteStructure,
  familyInet,
  familyInet6,
  familyStructure,
  linkAttribute,
  linkInfo,
  linkStructure,
  messageFlag,
  messageType,
  type NetlinkRequest,
  netlinkMessage,
  routeAttribute,
  text,
  uint32,
  vethInfo,
  withoutInet6Address,
} from './netlink.js'

const make = messageFlag.create | messageFlag.exclusive

const name = (link: string): Buffer => attribute(linkAttribute.name, text(link))

/** A kernel without IPv6 refuses the attribute. */
const noInet6 = (): Buffer => (existsSync('/proc/sys/net/ipv6') ? withoutInet6Address() : Buffer.alloc(0))

export const addBridge = (bridge: string): NetlinkRequest => ({
  what: `add bridge ${bridge}`,
  bytes: netlinkMessage(
    messageType.newLink,
    make,
    linkStructure(0, true),
    name(bridge),
    attribute(linkAttribute.info, attribute(linkInfo.kind, Buffer.from('bridge'))),
  ),
})

/** A bridge that was given none has the lowest MAC of its ports, which changes as they come and go. */
export const setMac = (link: string, mac: Uint8Array): NetlinkRequest => ({
  what: `set the MAC of ${link}`,
  bytes: netlinkMessage(
    messageType.newLink,
    0,
    linkStructure(),
    name(link),
    attribute(linkAttribute.mac, mac),
  ),
})

/**
 * A pair: `link` here, down, and `inside`, up, in the network namespace of process `pid`. The kernel takes the half
 * that it is to bring up for the link proper, and the one here for its peer.
 */
export const addVeth = (veth: {
  readonly link: string
  readonly inside: string
  readonly insideMac: Uint8Array
  readonly pid: number
}): NetlinkRequest => ({
  what: `add link ${veth.link} with its peer ${veth.inside} in the network namespace of process ${veth.pid}`,
  bytes: netlinkMessage(
    messageType.newLink,
    make,
    linkStructure(0, true),
    name(veth.inside),
    attribute(linkAttribute.mac, veth.insideMac),
    attribute(linkAttribute.namespaceOfPid, uint32(veth.pid)),
    attribute(
      linkAttribute.info,
      Buffer.concat([
        attribute(linkInfo.kind, Buffer.from('veth')),
        attribute(linkInfo.data, attribute(vethInfo.peer, Buffer.concat([linkStructure(), name(veth.link)]))),
      ]),
    ),
  ),
})

/** Make it a port of the bridge with index `master`. */
export const setMaster = (link: string, master: number): NetlinkRequest => ({
  what: `make link ${link} a port of the bridge`,
  bytes: netlinkMessage(
    messageType.newLink,
    0,
    linkStructure(),
    name(link),
    attribute(linkAttribute.master, uint32(master)),
  ),
})

/** A text of up to 255 bytes that the kernel keeps with the link. */
export const setAlias = (link: string, alias: string): NetlinkRequest => ({
  what: `mark link ${link}`,
  bytes: netlinkMessage(
    messageType.newLink,
    0,
    linkStructure(),
    name(link),
    attribute(linkAttribute.alias, Buffer.from(alias)),
  ),
})

export const bringUp = (link: string): NetlinkRequest => ({
  what: `bring up ${link}`,
  bytes: netlinkMessage(messageType.newLink, 0, linkStructure(0, true), name(link)),
})

/** No address by itself from now on; it may have one already. */
export const withoutInet6 = (link: string): NetlinkRequest => ({
  what: `keep IPv6 from ${link}`,
  bytes: netlinkMessage(messageType.newLink, 0, linkStructure(), name(link), noInet6()),
})

export const addAddress = (index: number, address: number, subnet: Subnet): NetlinkRequest => ({
  what: `give link ${index} the address ${addressText(address)}/${subnet.prefix}`,
  bytes: netlinkMessage(messageType.newAddress, make, ...addressBody(index, address, subnet)),
})

export const deleteAddress = (index: number, address: number, subnet: Subnet): NetlinkRequest => ({
  what: `take the address ${addressText(address)}/${subnet.prefix} from link ${index}`,
  bytes: netlinkMessage(messageType.deleteAddress, 0, ...addressBody(index, address, subnet)),
})

const addressBody = (index: number, address: number, subnet: Subnet): readonly Buffer[] => [
  addressStructure(index, subnet.prefix),
  attribute(addressAttribute.local, addressBytes(address)),
  attribute(addressAttribute.address, addressBytes(address)),
  attribute(addressAttribute.broadcast, addressBytes(broadcastOf(subnet))),
]

/** Take the address away that the kernel makes of a link's MAC (RFC 4291, appendix A). */
export const deleteInet6Address = (index: number, mac: Uint8Array): NetlinkRequest => ({
  what: `take its own IPv6 address from link ${index}`,
  bytes: netlinkMessage(
    messageType.deleteAddress,
    0,
    addressStructure(index, 64, familyInet6),
    attribute(
      addressAttribute.local,
      Buffer.from([
        ...[0xfe, 0x80, 0, 0, 0, 0, 0, 0],
        ...[mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!],
      ]),
    ),
  ),
})

export const addDefaultRoute = (gateway: number): NetlinkRequest => ({
  what: `add a default route by ${addressText(gateway)}`,
  bytes: netlinkMessage(
    messageType.newRoute,
    make,
    defaultRouteStructure(),
    attribute(routeAttribute.gateway, addressBytes(gateway)),
  ),
})

/** Deletes the other half of a pair too. */
export const deleteLink = (link: string): NetlinkRequest => ({
  what: `delete link ${link}`,
  bytes: netlinkMessage(messageType.deleteLink, 0, linkStructure(), name(link)),
})

export const getLink = (link: string): NetlinkRequest => ({
  what: `look up link ${link}`,
  bytes: netlinkMessage(messageType.getLink, 0, linkStructure(), name(link)),
})

export const listLinks: NetlinkRequest = {
  what: 'list links',
  bytes: netlinkMessage(messageType.getLink, messageFlag.list, familyStructure(0)),
}

export const listAddresses: NetlinkRequest = {
  what: 'list addresses',
  bytes: netlinkMessage(messageType.getAddress, messageFlag.list, familyStructure(familyInet)),
}

export const listRoutes: NetlinkRequest = {
  what: 'list routes',
  bytes: netlinkMessage(messageType.getRoute, messageFlag.list, familyStructure(familyInet)),
}
