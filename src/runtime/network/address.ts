import { isIPv4 } from 'node:net'
import { LadingError } from '../../spec/errors.js'

/** IPv4 addresses as text (`10.88.0.2`), as numbers (unsigned, first byte highest) and as four bytes. */

export const addressNumber = (text: string): number => {
  if (!isIPv4(text))
    throw new LadingError('USAGE', `Bad address ${JSON.stringify(text)}: wanted an IPv4 address`, {
      data: { address: text },
    })
  return text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
}

export const addressText = (address: number): string =>
  [24, 16, 8, 0].map(shift => (address >>> shift) & 0xff).join('.')

export const addressBytes = (address: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(address)
  return bytes
}

/** Addresses that share their first `prefix` bits with `base`. */
export interface Subnet {
  readonly base: number
  readonly prefix: number
}

const maskOf = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0)

export const subnetOf = (address: number, prefix: number): Subnet => ({
  base: (address & maskOf(prefix)) >>> 0,
  prefix,
})

/** `10.88.0.0/16`. */
export const subnetText = ({ base, prefix }: Subnet): string => `${addressText(base)}/${prefix}`

/** Throws USAGE unless it is `ADDRESS/BITS` with 8 to 29 bits, so that there is room for containers. */
export const parseSubnet = (text: string): Subnet => {
  const [address = '', bits = ''] = text.split('/')
  const prefix = Number(bits)
  if (!/^\d+$/.test(bits) || prefix < 8 || prefix > 29)
    throw new LadingError(
      'USAGE',
      `Bad subnet ${JSON.stringify(text)}: wanted ADDRESS/BITS with 8 to 29 bits`,
      {
        data: { subnet: text },
      },
    )
  return subnetOf(addressNumber(address), prefix)
}

export const overlaps = (a: Subnet, b: Subnet): boolean => {
  const mask = maskOf(Math.min(a.prefix, b.prefix))
  return (a.base & mask) === (b.base & mask)
}

export const broadcastOf = ({ base, prefix }: Subnet): number => (base | ~maskOf(prefix)) >>> 0

/** The bridge's own address: the first of the subnet. */
export const gatewayOf = ({ base }: Subnet): number => base + 1

/** As docker has it: `02:42:` (administered locally) and the address; an address that is given anew keeps its MAC. */
export const macOf = (address: number): Buffer =>
  Buffer.concat([Buffer.from([0x02, 0x42]), addressBytes(address)])

/** `02:42:0a:58:00:02`. */
export const macText = (mac: Uint8Array): string =>
  [...mac].map(byte => byte.toString(16).padStart(2, '0')).join(':')
