/** Reading what rtnetlink answers. It comes from the kernel, so it is taken to be well-formed. */
import { addressText, type Subnet, subnetOf } from './address.js'
import {
  addressAttribute,
  errorAttribute,
  linkAttribute,
  linkInfo,
  linkUp,
  messageFlag,
  messageType,
  padded,
  routeAttribute,
  structureSize,
} from './netlink.js'

export interface NetlinkAnswer {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  /** The fixed structure and the attributes. */
  readonly body: Buffer
}

/** The messages of one datagram. */
export const splitAnswers = (datagram: Buffer): readonly NetlinkAnswer[] => {
  const answers: NetlinkAnswer[] = []
  for (let at = 0; at + structureSize.header <= datagram.length; ) {
    const length = datagram.readUInt32LE(at)
    if (length < structureSize.header) break
    answers.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      body: datagram.subarray(at + structureSize.header, at + length),
    })
    at += padded(length)
  }
  return answers
}

/** By their types; the upper two bits of a type are flags. */
const attributesOf = (bytes: Buffer): ReadonlyMap<number, Buffer> => {
  const attributes = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at)
    if (length < 4) break
    attributes.set(bytes.readUInt16LE(at + 2) & 0x3fff, bytes.subarray(at + 4, at + length))
    at += padded(length)
  }
  return attributes
}

const textOf = (value: Buffer | undefined): string | undefined => value?.toString('utf8').split('\0', 1)[0]

export interface NetlinkFailure {
  /** Positive; 0 is success. */
  readonly errno: number
  /** What the kernel says about it, if it does: `Device does not exist`. */
  readonly explanation?: string
}

/** The failure, or the acknowledgement, in an answer of type `error`. */
export const readFailure = ({ flags, body }: NetlinkAnswer): NetlinkFailure => {
  const errno = -body.readInt32LE(0)
  if (!(flags & messageFlag.hasAttributes)) return { errno }
  // The request follows its error, whole unless it is capped.
  const request = flags & messageFlag.capped ? structureSize.header : padded(body.readUInt32LE(4))
  const explanation = textOf(attributesOf(body.subarray(4 + request)).get(errorAttribute.message))
  return explanation === undefined ? { errno } : { errno, explanation }
}

export interface Link {
  readonly index: number
  readonly name: string
  readonly up: boolean
  /** `bridge`, `veth`; absent for hardware and the loopback link. */
  readonly kind?: string
  readonly mac: Buffer
  /** Index of the bridge that it is a port of. */
  readonly master?: number
  /** Index of the other half of a veth pair, in its own namespace. */
  readonly peerIndex?: number
  readonly alias?: string
}

export const readLink = ({ body }: NetlinkAnswer): Link => {
  const attributes = attributesOf(body.subarray(structureSize.link))
  const info = attributes.get(linkAttribute.info)
  const kind = info && textOf(attributesOf(info).get(linkInfo.kind))
  const alias = textOf(attributes.get(linkAttribute.alias))
  const master = attributes.get(linkAttribute.master)?.readUInt32LE()
  const peerIndex = attributes.get(linkAttribute.peerIndex)?.readUInt32LE()
  return {
    index: body.readInt32LE(4),
    name: textOf(attributes.get(linkAttribute.name)) ?? '',
    up: (body.readUInt32LE(8) & linkUp) !== 0,
    mac: attributes.get(linkAttribute.mac) ?? Buffer.alloc(0),
    ...(kind !== undefined && { kind }),
    ...(master !== undefined && { master }),
    ...(peerIndex !== undefined && { peerIndex }),
    ...(alias !== undefined && { alias }),
  }
}

export interface LinkAddress {
  readonly index: number
  readonly address: string
  readonly prefix: number
}

export const readAddress = ({ body }: NetlinkAnswer): LinkAddress => {
  const attributes = attributesOf(body.subarray(structureSize.address))
  const address = attributes.get(addressAttribute.local) ?? attributes.get(addressAttribute.address)
  return {
    index: body.readUInt32LE(4),
    prefix: body[1]!,
    address: addressText(address?.readUInt32BE() ?? 0),
  }
}

export interface Route {
  readonly destination: Subnet
  /** Index of the link it leads out of; absent where there are several, or none. */
  readonly outLink?: number
}

export const readRoute = ({ body }: NetlinkAnswer): Route => {
  const attributes = attributesOf(body.subarray(structureSize.route))
  const outLink = attributes.get(routeAttribute.outLink)?.readUInt32LE()
  const destination = attributes.get(routeAttribute.destination)?.readUInt32BE() ?? 0
  return {
    destination: subnetOf(destination, body[1]!),
    ...(outLink !== undefined && { outLink }),
  }
}

export const isEnd = ({ type }: NetlinkAnswer): boolean => type === messageType.done
