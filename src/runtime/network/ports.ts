import { isIP } from 'node:net'
import { LadingError } from '../../spec/errors.js'
import type { PublishedPort } from '../settings.js'

/** What a host's address may be left out for: every address of the host, of IPv4 and IPv6. */
export const everyAddress = ''

const highestPort = 65535

const bad = (text: string, found: string): LadingError =>
  new LadingError(
    'USAGE',
    `Bad published port ${JSON.stringify(text)}: ${found}, wanted [IP:][HOST:]CONTAINER[/tcp|udp], where HOST and CONTAINER are ports or ranges FROM-TO`,
    { data: { port: text } },
  )

/** All ports of `80` or `8000-8010`. */
const portsOf = (text: string, range: string): readonly number[] => {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range)
  if (!match) throw bad(text, `${JSON.stringify(range)} is no port`)
  const first = Number(match[1])
  const last = Number(match[2] ?? match[1])
  if (first < 1 || last > highestPort)
    throw bad(text, `${JSON.stringify(range)} is not in 1 to ${highestPort}`)
  if (last < first) throw bad(text, `${JSON.stringify(range)} ends before it begins`)
  return Array.from({ length: last - first + 1 }, (_, at) => first + at)
}

/** `[::1]:80:90`, `127.0.0.1:80:90`, `80:90`, `90`: the parts between the colons that are no part of an address. */
const splitParts = (
  text: string,
  ports: string,
): { hostIp: string; hostPorts: string; container: string } => {
  const bracketed = /^\[([^\]]*)\]:(.*)$/.exec(ports)
  const parts = (bracketed ? bracketed[2]! : ports).split(':')
  const hostIp = bracketed ? bracketed[1]! : parts.length === 3 ? parts.shift()! : everyAddress
  if ((bracketed || hostIp !== everyAddress) && isIP(hostIp) === 0)
    throw bad(text, `${JSON.stringify(hostIp)} is no IP address`)
  if (parts.length > 2 || (bracketed && parts.length !== 2))
    throw bad(text, 'there are too many or few colons')
  const [container, hostPorts] = parts.reverse()
  return { hostIp, hostPorts: hostPorts ?? '', container: container! }
}

/**
 * The ports that one `-p` publishes, as docker reads it. Without a port of the host, or with 0, the system chooses one
 * (hostPort 0); without an address it is every address. A range of the container's takes a range of the host's
 * that is as long, or none. Throws USAGE.
 */
export const parsePublished = (text: string): readonly PublishedPort[] => {
  const [ports = '', word = 'tcp', ...rest] = text.split('/')
  const protocol = word.toLowerCase()
  if ((protocol !== 'tcp' && protocol !== 'udp') || rest.length > 0)
    throw bad(text, `${JSON.stringify([word, ...rest].join('/'))} is no protocol that can be published`)
  const { hostIp, hostPorts, container } = splitParts(text, ports)
  const inside = portsOf(text, container)
  const outside = /^0?$/.test(hostPorts) ? inside.map(() => 0) : portsOf(text, hostPorts)
  if (outside.length !== inside.length)
    throw bad(
      text,
      `${outside.length} ports of the host are not as many as ${inside.length} of the container`,
    )
  return inside.map((containerPort, at) => ({ hostIp, hostPort: outside[at]!, containerPort, protocol }))
}
