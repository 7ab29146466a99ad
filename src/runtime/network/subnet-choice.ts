import { LadingError } from '../../spec/errors.js'
import { gatewayOf, overlaps, parseSubnet, type Subnet } from './address.js'
import { addAddress, deleteAddress, listRoutes } from './links.js'
import { readRoute } from './netlink-answer.js'
import type { Netlink } from './netlink-socket.js'

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at)

/** Private addresses (RFC 1918) that podman (10.88, 10.89), Kubernetes (10.96 to 10.111) and docker (172.17) do not start with. */
const candidates: readonly Subnet[] = [
  ...[...numbers(83, 87), ...numbers(112, 127)].map(byte => `10.${byte}.0.0/16`),
  ...numbers(20, 31).map(byte => `172.${byte}.0.0/16`),
  ...numbers(200, 254).map(byte => `192.168.${byte}.0/24`),
].map(parseSubnet)

/**
 * Find a subnet that overlaps no route of the host and give the bridge its first address. Other processes may
 * be doing the same for other bridges, or for this one and another folder: the kernel gives an address once a
 * link, and of two links with overlapping routes the one with the higher index withdraws. Throws NETWORK when
 * all candidates are in use.
 */
export const claimSubnet = (netlink: Netlink, bridge: { name: string; index: number }): Subnet => {
  /** Indexes of the links that lead to addresses of the subnet. */
  const linksInto = (subnet: Subnet): readonly number[] =>
    netlink
      .query(listRoutes)
      .map(readRoute)
      .filter(route => route.destination.prefix > 0 && overlaps(route.destination, subnet))
      .map(route => route.outLink ?? 0)

  for (const subnet of candidates) {
    if (linksInto(subnet).length > 0) continue
    const gateway = gatewayOf(subnet)
    if (netlink.change(addAddress(bridge.index, gateway, subnet), ['EEXIST'])) continue
    if (linksInto(subnet).every(index => index >= bridge.index)) return subnet
    netlink.change(deleteAddress(bridge.index, gateway, subnet))
  }
  throw new LadingError(
    'NETWORK',
    `Cannot choose a subnet for ${bridge.name}: each of ${candidates.length} candidates overlaps a route of this host`,
  )
}
