import type { Resources } from '../settings.js'

/** What goes into which file of a group: names without a controller's folder. */
export interface LimitFile {
  readonly controller: 'memory' | 'cpu' | 'cpuset' | 'pids'
  readonly file: string
  readonly value: string
  /** Kernels without it (swap accounting) do without. */
  readonly optional?: boolean
}

const period = 100_000
const quota = (nanoCpus: number): number => Math.round((nanoCpus * period) / 1e9)

/** Docker: twice the memory when nothing is said; −1 for none. Undefined: no limit of memory at all. */
const memoryAndSwap = ({ memory, memorySwap }: Resources): number | undefined => {
  if (!memory) return undefined
  return memorySwap || 2 * memory
}

/** The files for a limit, none when it is 0 or absent. */
const when = <Limit>(limit: Limit | undefined, files: (limit: Limit) => readonly LimitFile[]) =>
  limit ? files(limit) : []

/** In the order in which they must be written: the limit with swap may not be below that without. */
export const limitFilesV1 = (resources: Resources): readonly LimitFile[] => [
  ...when(resources.memory, memory => [
    { controller: 'memory', file: 'memory.limit_in_bytes', value: String(memory) },
  ]),
  ...when(memoryAndSwap(resources), both => [
    { controller: 'memory', file: 'memory.memsw.limit_in_bytes', value: String(both), optional: true },
  ]),
  ...when(resources.nanoCpus, nanoCpus => [
    { controller: 'cpu', file: 'cpu.cfs_period_us', value: String(period) },
    { controller: 'cpu', file: 'cpu.cfs_quota_us', value: String(quota(nanoCpus)) },
  ]),
  ...when(resources.cpuShares, shares => [{ controller: 'cpu', file: 'cpu.shares', value: String(shares) }]),
  ...sharedFiles(resources),
]

/** cpu.weight from cpu.shares, 2…262144 to 1…10000 (runc's and Docker's formula). */
const weight = (shares: number): number =>
  1 + Math.floor(((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142)

export const limitFilesV2 = (resources: Resources): readonly LimitFile[] => {
  const both = memoryAndSwap(resources) ?? 0
  return [
    ...when(resources.memory, memory => [
      { controller: 'memory', file: 'memory.max', value: String(memory) },
      // Of swap alone, where version 1 counts both together.
      {
        controller: 'memory',
        file: 'memory.swap.max',
        value: both < 0 ? 'max' : String(both - memory),
        optional: true,
      },
    ]),
    ...when(resources.nanoCpus, nanoCpus => [
      { controller: 'cpu', file: 'cpu.max', value: `${quota(nanoCpus)} ${period}` },
    ]),
    ...when(resources.cpuShares, shares => [
      { controller: 'cpu', file: 'cpu.weight', value: String(weight(shares)) },
    ]),
    ...sharedFiles(resources),
  ]
}

/** Files that have one name in both versions. */
const sharedFiles = ({ cpusetCpus, pids }: Resources): readonly LimitFile[] => [
  ...when(cpusetCpus, processors => [{ controller: 'cpuset', file: 'cpuset.cpus', value: processors }]),
  ...(pids !== undefined && pids > 0
    ? [{ controller: 'pids', file: 'pids.max', value: String(pids) } as const]
    : []),
]
