import { isIPv4, isIPv6 } from 'node:net'
import type { PublishedPort } from '../settings.js'
import { badFlag, quoted } from './flag-errors.js'

/**
 * `[[HOST-IP:]HOST-PORT:]CONTAINER-PORT[/PROTOCOL]` (docker go-connections nat.ParsePortSpec): without a host
 * port any that is free; ranges of equal length, or a range on the host for one port. Throws USAGE.
 */
export const parsePort = (text: string): readonly PublishedPort[] => {
  const wrong = (problem: string) => badFlag('-p, --publish', text, problem)
  const [, hostIp = '', hostText = '', containerText = '', protocol = 'tcp'] =
    /^(?:(?:(\[[^\]]*\]|[^:]*):)?([^:]*):)?([^:/]*)(?:\/(\w+))?$/.exec(text) ?? []
  if (containerText === '') throw wrong(`no port specified: ${text}<empty>`)
  if (protocol !== 'tcp' && protocol !== 'udp') throw wrong(`invalid proto: ${protocol}`)
  const ip = hostIp.replace(/^\[|\]$/g, '')
  if (ip !== '' && !isIPv4(ip) && !isIPv6(ip)) throw wrong(`invalid IP address: ${ip}`)
  const container = parseRange(containerText)
  if (container === undefined || container[0] === 0) throw wrong(`invalid containerPort: ${containerText}`)
  const host = hostText === '' ? undefined : parseRange(hostText)
  if (hostText !== '' && host === undefined) throw wrong(`invalid hostPort: ${hostText}`)
  const count = container[1] - container[0]
  if (host && host[1] - host[0] !== count && count > 0)
    throw wrong(`invalid ranges specified for container and host ports: ${containerText} and ${hostText}`)
  if (host && count === 0 && host[1] > host[0])
    throw wrong(`a range of host ports for one port is not supported: give one of ${quoted(hostText)}`)
  return Array.from({ length: count + 1 }, (_, index) => ({
    hostIp: ip || '0.0.0.0',
    hostPort: host ? host[0] + index : 0,
    containerPort: container[0] + index,
    protocol,
  }))
}

const parseRange = (text: string): readonly [first: number, last: number] | undefined => {
  const [, low, high = low] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  const [first, last] = [Number(low), Number(high)]
  return low === undefined || first > last || last > 65_535 ? undefined : [first, last]
}

/** For -P: what the image exposes, `80/tcp`, `53/udp` (no protocol means tcp). What is no port is passed over. */
export const exposedPorts = (exposed: readonly string[]): readonly PublishedPort[] =>
  exposed.flatMap(text => {
    const [, port = '', protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? []
    if (port === '') return []
    return [{ hostIp: '0.0.0.0', hostPort: 0, containerPort: Number(port), protocol: protocol as 'tcp' | 'udp' }]
  })
