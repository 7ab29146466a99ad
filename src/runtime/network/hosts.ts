/** /etc/hosts and /etc/hostname of containers, as docker writes them. Lines are `ADDRESS<tab>NAMES`. */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'

export interface HostsContent {
  readonly hostname: string
  /** The container's own; absent without a network. */
  readonly address?: string
  readonly extraHosts: readonly (readonly [ip: string, name: string])[]
}

const always: readonly (readonly [ip: string, names: string])[] = [
  ['127.0.0.1', 'localhost'],
  ['::1', 'localhost ip6-localhost ip6-loopback'],
  ['fe00::0', 'ip6-localnet'],
  ['ff00::0', 'ip6-mcastprefix'],
  ['ff02::1', 'ip6-allnodes'],
  ['ff02::2', 'ip6-allrouters'],
]

const linesOf = (entries: readonly (readonly [ip: string, names: string])[]): string =>
  entries.map(([ip, names]) => `${ip}\t${names}\n`).join('')

/** What is on every host, what the user added, and the container itself, by its full name and its first part. */
export const hostsText = ({ hostname, address, extraHosts }: HostsContent): string => {
  const [first] = hostname.split('.', 1)
  const names = first === hostname ? hostname : `${hostname} ${first}`
  return linesOf([...always, ...extraHosts, ...(address ? [[address, names] as const] : [])])
}

/** On the host's network: the host's own file, unless names were added. */
export const hostsTextOfHost = (hostFile: string, extraHosts: HostsContent['extraHosts']): string =>
  extraHosts.length === 0 ? hostFile : linesOf([...always, ...extraHosts])

export const hostnameText = (hostname: string): string => `${hostname}\n`

export interface Neighbour {
  readonly address: string
  readonly names: readonly string[]
}

const blockStart = '# Other containers on this network\n'
const blockEnd = '# End of other containers\n'

/**
 * Put the lines of the other containers in place of those that were there. They stand last, between two comments,
 * so that what the container wrote itself is kept, and no container's name hides another line. None: no block.
 */
export const withNeighbours = (hosts: string, neighbours: readonly Neighbour[]): string => {
  const start = hosts.indexOf(blockStart)
  const end = hosts.indexOf(blockEnd, start)
  const own = start < 0 || end < 0 ? hosts : hosts.slice(0, start) + hosts.slice(end + blockEnd.length)
  const named = neighbours.filter(neighbour => neighbour.names.length > 0)
  if (named.length === 0) return own
  const gap = own === '' || own.endsWith('\n') ? '' : '\n'
  const lines = linesOf(named.map(({ address, names }) => [address, names.join(' ')]))
  return `${own}${gap}${blockStart}${lines}${blockEnd}`
}

/** The container may write to the file: what is larger is left as it is. */
const largestHosts = 1 << 20

/**
 * Bring the lines of the other containers in the file at `path` up to date, in the file itself: it is mounted
 * in the container, where a file renamed over it would not be seen. Written by one call, never shorter than what
 * was there, so a reader finds whole lines. A file that is gone is no error.
 */
export const updateHostsFile = (path: string, neighbours: readonly Neighbour[]): void => {
  const file = openOwn(path)
  if (file === undefined) return
  try {
    const { size } = fstatSync(file)
    if (size > largestHosts) return
    const before = readFileSync(file, 'utf8')
    const after = withNeighbours(before, neighbours)
    if (after === before) return
    const length = Buffer.byteLength(after)
    // Empty lines over the rest of what was there, then cut off.
    const bytes = Buffer.concat([Buffer.from(after), Buffer.alloc(Math.max(0, size - length), '\n')])
    writeSync(file, bytes, 0, bytes.length, 0)
    ftruncateSync(file, length)
  } finally {
    closeSync(file)
  }
}

const openOwn = (path: string): number | undefined => {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
