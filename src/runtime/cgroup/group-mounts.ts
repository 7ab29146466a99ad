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
    const folder = plainPath(mount.split(' ')[4] ?? '')
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
const plainPath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
