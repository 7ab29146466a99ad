/**
 * rtnetlink messages as bytes (rtnetlink(7), netlink(7)). A message is a header of 16 bytes (length, type, flags,
 * sequence, port), a fixed structure that the type says, and attributes: length and type, 16 bits each, then the
 * value, padded to four bytes. Everything is in the byte order of the machine; x86-64 and arm64 are little-endian.
 * Numbers are those of linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h and linux/netlink.h.
 */
import { endianness } from 'node:os'
import { LadingError } from '../../spec/errors.js'

/** What is asked of the kernel, and the words for it in an error: `add bridge lading0`. */
export interface NetlinkRequest {
  readonly what: string
  readonly bytes: Buffer
}

export const messageType = {
  error: 2,
  done: 3,
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  newAddress: 20,
  deleteAddress: 21,
  getAddress: 22,
  newRoute: 24,
  getRoute: 26,
} as const

export const messageFlag = {
  request: 0x1,
  acknowledge: 0x4,
  /** In an answer: what was listed changed meanwhile. */
  interrupted: 0x10,
  /** In an error: the message that it is about is left out but for its header; attributes follow. */
  capped: 0x100,
  hasAttributes: 0x200,
  /** In a request that makes something: it must not be there already. */
  exclusive: 0x200,
  create: 0x400,
  list: 0x300,
} as const

export const linkAttribute = {
  mac: 1,
  name: 3,
  peerIndex: 5,
  master: 10,
  info: 18,
  namespaceOfPid: 19,
  alias: 20,
  protocolFamilies: 26,
} as const

export const linkInfo = { kind: 1, data: 2 } as const
export const vethInfo = { peer: 1 } as const
export const addressAttribute = { address: 1, local: 2, broadcast: 4 } as const
export const routeAttribute = { destination: 1, outLink: 4, gateway: 5 } as const
export const errorAttribute = { message: 1 } as const

const inet6 = { addressMode: 8, noAddress: 1 } as const

export const linkUp = 0x1
export const familyInet = 2
export const familyInet6 = 10
/** Bytes of the fixed structure after the header: ifinfomsg, ifaddrmsg, rtmsg, nlmsgerr. */
export const structureSize = { header: 16, link: 16, address: 8, route: 12, error: 20 } as const

export const padded = (length: number): number => (length + 3) & ~3

export const attribute = (type: number, value: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(padded(4 + value.length))
  bytes.writeUInt16LE(4 + value.length, 0)
  bytes.writeUInt16LE(type, 2)
  bytes.set(value, 4)
  return bytes
}

export const text = (value: string): Buffer => Buffer.from(`${value}\0`)

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

export const netlinkMessage = (type: number, flags: number, ...body: readonly Uint8Array[]): Buffer => {
  if (endianness() !== 'LE')
    throw new LadingError('UNSUPPORTED', 'Cannot set up a network on a big-endian machine')
  const header = Buffer.alloc(structureSize.header)
  header.writeUInt32LE(
    body.reduce((sum, part) => sum + part.length, header.length),
    0,
  )
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(flags | messageFlag.request, 6)
  return Buffer.concat([header, ...body])
}

/** struct ifinfomsg; index 0: the link is named by an attribute. `up` brings it up. */
export const linkStructure = (index = 0, up = false): Buffer => {
  const bytes = Buffer.alloc(structureSize.link)
  bytes.writeInt32LE(index, 4)
  if (up) {
    bytes.writeUInt32LE(linkUp, 8)
    bytes.writeUInt32LE(linkUp, 12)
  }
  return bytes
}

/** struct ifaddrmsg, of global scope. */
export const addressStructure = (index: number, prefix: number, family: number = familyInet): Buffer => {
  const bytes = Buffer.alloc(structureSize.address)
  bytes[0] = family
  bytes[1] = prefix
  bytes.writeUInt32LE(index, 4)
  return bytes
}

/** struct rtmsg of a route to everywhere: table main, made at boot, scope universe, unicast. */
export const defaultRouteStructure = (): Buffer => {
  const bytes = Buffer.alloc(structureSize.route)
  bytes[0] = familyInet
  bytes[4] = 254
  bytes[5] = 3
  bytes[7] = 1
  return bytes
}

/** The family, for lists; the kernel reads no more of the structure. */
export const familyStructure = (family: number): Buffer => {
  const bytes = Buffer.alloc(structureSize.link)
  bytes[0] = family
  return bytes
}

/** Without an IPv6 address of its own, as docker's links are where the network has no IPv6. */
export const withoutInet6Address = (): Buffer =>
  attribute(
    linkAttribute.protocolFamilies,
    attribute(familyInet6, attribute(inet6.addressMode, Buffer.from([inet6.noAddress]))),
  )
