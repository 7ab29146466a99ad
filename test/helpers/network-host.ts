/**
 * What a host does for one container, as a program, to be started in the network namespace that is the host:
 * `network-host FOLDER BRIDGE PID`, PID being a process in the container's namespace. Prints JSON.
 */
import { join } from 'node:path'
import { attachHostSide } from '../../src/runtime/network/attach.js'
import { openNetwork } from '../../src/runtime/network/bridge.js'
import { joinNetwork } from '../../src/runtime/network/join.js'

export interface HostReport {
  readonly notes: readonly string[]
  readonly address: string
  /** Base64. */
  readonly order: string
}

const [folder = '', bridge = '', pid = ''] = process.argv.slice(2)
const { network, notes } = await openNetwork(folder, bridge)
const id = pid.padStart(64, '0')
const hostsFile = join(folder, `hosts-${pid}`)
const lease = await joinNetwork(network, { id, names: ['c'], hostsFile }, { hostname: 'c', extraHosts: [] })
const order = await attachHostSide(network, lease, Number(pid))
console.log(
  JSON.stringify({ notes, address: lease.address, order: order.toString('base64') } satisfies HostReport),
)
