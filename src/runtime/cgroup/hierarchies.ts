import { readFileSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import type { ControlGroups } from './control-group.js'
import { versionOne } from './v1.js'
import { versionTwo } from './v2.js'

/** Where control groups are mounted: lines of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export interface GroupMounts {
  /** Version 1: the folder of each hierarchy, with its options (controllers, or `name=systemd`). */
  readonly hierarchies: readonly { readonly folder: string; readonly options: readonly string[] }[]
  /** Version 2, which may be there besides without any controller that matters. */
  readonly unified?: string
}

const controllersOfContainers = new Set([
  ...['memory', 'pids', 'cpu', 'cpuacct', 'cpuset', 'freezer', 'devices', 'blkio'],
  ...['net_cls', 'net_prio', 'perf_event', 'hugetlb', 'rdma', 'misc'],
])

/** A hierarchy that is mounted in several places counts once. */
export const readGroupMounts = (mountInfo: string): GroupMounts => {
  const hierarchies = new Map<string, GroupMounts['hierarchies'][number]>()
  let unified: string | undefined
  for (const line of mountInfo.split('\n')) {
    const [mount = '', source = ''] = line.split(' - ')
    const folder = unescape(mount.split(' ')[4] ?? '')
    const [type, , superOptions = ''] = source.split(' ')
    if (type === 'cgroup2') unified ??= folder
    if (type !== 'cgroup') continue
    const options = superOptions
      .split(',')
      .filter(option => controllersOfContainers.has(option) || option.startsWith('name='))
    const key = options.join()
    if (options.length > 0 && !hierarchies.has(key)) hierarchies.set(key, { folder, options })
  }
  return { hierarchies: [...hierarchies.values()], ...(unified !== undefined && { unified }) }
}

/** mountinfo writes spaces and the like as \040. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/**
 * The host's control groups: version 1 where it has the memory controller, else version 2. UNSUPPORTED, and why,
 * where a container can have none: an ordinary user without delegation, or a host without them.
 */
export const hostControlGroups = (
  options: { readonly rootless: boolean } = { rootless: process.getuid?.() !== 0 },
): ControlGroups => {
  if (options.rootless)
    throw new LadingError(
      'UNSUPPORTED',
      'Limits need control groups, which an ordinary user has only by delegation: run as root, or without --memory, --cpus, --pids-limit',
    )
  const { hierarchies, unified } = readGroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
  const controllers = hierarchies.filter(({ options }) => !options.some(option => option.startsWith('name=')))
  if (controllers.length > 0) return versionOne(controllers)
  if (unified !== undefined) return versionTwo(unified)
  throw new LadingError('UNSUPPORTED', 'No control groups are mounted at /sys/fs/cgroup of this host')
}
