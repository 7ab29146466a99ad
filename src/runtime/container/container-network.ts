/**
 * A container's part of a network: its three files of /etc, and on the bridge an address. Only `bridge` needs more
 * than files, and loads more.
 */
import { writeFileSync } from 'node:fs'
import { textOfFile } from '../../bytes/text-of-file.js'
import { hostnameText, hostsText, hostsTextOfHost } from '../network/hosts.js'
import type { BridgeNetwork } from '../network/network.js'
import type { Lease, Tenant } from '../network/pool.js'
import { readHostResolvConf, resolvConfText } from '../network/resolv-conf.js'
import type { Container } from './record.js'

export interface JoinedNetwork {
  readonly lease: Lease
  /** What does not work, in words. */
  readonly notes: readonly string[]
  /** When the process `pid` of the container is there: its link, and the order for its set-up. */
  attach(pid: number): Promise<Buffer>
}

const tenantOf = ({ settings, places }: Container): Tenant => ({
  id: settings.id,
  names: [...new Set([settings.name, settings.hostname])],
  hostsFile: places.hosts,
})

/** Write the files, and get an address where there is a bridge. The container's record is there. */
export const joinContainerNetwork = async (container: Container): Promise<JoinedNetwork | undefined> => {
  const { settings, places, all } = container
  const { mode } = settings.network
  writeFileSync(places.hostname, hostnameText(settings.hostname), { mode: 0o644 })
  const servers = settings.dns && { servers: settings.dns }
  writeFileSync(places.resolvConf, resolvConfText(readHostResolvConf(), { mode, ...servers }), {
    mode: 0o644,
  })
  const { hostname, extraHosts } = settings
  if (mode !== 'bridge') {
    const hosts =
      mode === 'host'
        ? hostsTextOfHost(textOfFile('/etc/hosts') ?? '', extraHosts)
        : hostsText({ hostname, extraHosts })
    writeFileSync(places.hosts, hosts, { mode: 0o644 })
    return undefined
  }
  const { openNetwork } = await import('../network/bridge.js')
  const { joinNetwork } = await import('../network/join.js')
  const { attachHostSide } = await import('../network/attach.js')
  const { network, notes } = await openNetwork(all.network)
  const lease = await joinNetwork(network, tenantOf(container), { hostname, extraHosts })
  return { lease, notes, attach: pid => attachHostSide(network, lease, pid) }
}

const openBridge = async (container: Container): Promise<BridgeNetwork> => {
  const { openNetwork } = await import('../network/bridge.js')
  return (await openNetwork(container.all.network)).network
}

/** After its end. Idempotent. */
export const leaveContainerNetwork = async (container: Container): Promise<void> => {
  if (container.settings.network.mode !== 'bridge') return
  const { leaveNetwork } = await import('../network/join.js')
  await leaveNetwork(await openBridge(container), container.settings.id)
}

/** While it runs: others find it by its new name. */
export const renameInContainerNetwork = async (container: Container): Promise<void> => {
  if (container.settings.network.mode !== 'bridge') return
  const { renameInNetwork } = await import('../network/join.js')
  await renameInNetwork(await openBridge(container), tenantOf(container))
}
