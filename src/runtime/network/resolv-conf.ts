/** /etc/resolv.conf of containers, by the rules of moby's libnetwork/resolvconf. */
import { isIPv6 } from 'node:net'
import { textOfFile } from '../../bytes/text-of-file.js'

export interface ResolverSettings {
  readonly mode: 'bridge' | 'none' | 'host'
  /** Addresses, search domains and options that the user gave; each takes the place of all the host's of its kind. */
  readonly servers?: readonly string[]
  readonly search?: readonly string[]
  readonly options?: readonly string[]
}

/** Where systemd-resolved writes the servers that it asks itself. */
const systemdFile = '/run/systemd/resolve/resolv.conf'

/** The host's file; that of systemd-resolved where the host asks only its local stub. A host without one: ''. */
export const readHostResolvConf = (): string => {
  const own = textOfFile('/etc/resolv.conf') ?? ''
  const servers = valuesOf(own, 'nameserver')
  if (servers.length !== 1 || servers[0] !== '127.0.0.53') return own
  return textOfFile(systemdFile) ?? own
}

/** Google's, as docker has them, for when the host has no server that a container could reach. */
const fallbackServers = ['8.8.8.8', '8.8.4.4']

/** A server that a container on the bridge cannot reach: on the host's loopback, or by IPv6, which the bridge has not. */
const isOutOfReach = (server: string): boolean => /^127\./.test(server) || isIPv6(server.split('%', 1)[0]!)

/** What stands after a keyword, of all its lines, comments left out. */
const valuesOf = (text: string, keyword: string): readonly string[] =>
  text.split('\n').flatMap(line => {
    const [word, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    return word === keyword ? values : []
  })

/** Of several search lines the last counts (resolv.conf(5)). */
const lastSearch = (text: string): readonly string[] => {
  const lines = text.split('\n').filter(line => /^(search|domain)\s/.test(line))
  return (
    lines
      .at(-1)
      ?.replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
      .slice(1) ?? []
  )
}

/**
 * The text for a container, of the host's. Nothing given by the user: the host's text, on the bridge without the
 * servers that are out of reach, or with docker's two where none is left. Else made anew, in docker's order:
 * search, servers, options. A search of `.` alone is none.
 */
export const resolvConfText = (host: string, settings: ResolverSettings): string => {
  const { mode, servers = [], search = [], options = [] } = settings
  const given = servers.length + search.length + options.length > 0
  const hostServers = valuesOf(host, 'nameserver')
  const reachable = mode === 'bridge' ? hostServers.filter(server => !isOutOfReach(server)) : hostServers
  const found = reachable.length === 0 && mode === 'bridge' ? fallbackServers : reachable
  if (!given) {
    if (mode !== 'bridge') return host
    const kept = host
      .split('\n')
      .filter(line => !valuesOf(line, 'nameserver').some(isOutOfReach))
      .join('\n')
    return reachable.length > 0 ? kept : `${kept}${endOf(kept)}${serverLines(fallbackServers)}`
  }
  const domains = search.length > 0 ? search : lastSearch(host)
  const flags = options.length > 0 ? options : valuesOf(host, 'options')
  return [
    domains.length > 0 && domains.join(' ').trim() !== '.' ? `search ${domains.join(' ')}\n` : '',
    serverLines(servers.length > 0 ? servers : found),
    flags.join('').trim() !== '' ? `options ${flags.join(' ')}\n` : '',
  ].join('')
}

const serverLines = (servers: readonly string[]): string =>
  servers.map(server => `nameserver ${server}\n`).join('')

const endOf = (text: string): string => (text === '' || text.endsWith('\n') ? '' : '\n')
