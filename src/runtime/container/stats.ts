import { readFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import type { GroupStats } from '../cgroup/control-group.js'
import { hostControlGroups } from '../cgroup/host.js'
import { runningProcess } from './control.js'
import type { Container } from './record.js'

export interface ContainerStats {
  readonly id: string
  readonly name: string
  /** Percent of one processor, since the sample before. */
  readonly cpuPercent: number
  /** Bytes. */
  readonly memory: number
  /** Bytes: its own limit, or what the host has. */
  readonly memoryLimit: number
  readonly memoryPercent: number
  /** Bytes over all interfaces but the loopback. */
  readonly received: number
  readonly sent: number
  readonly processes: number
}

export interface Sample {
  readonly stats: GroupStats
  /** Milliseconds, of a clock that only goes forward. */
  readonly at: number
}

/** Throws UNSUPPORTED where there are no control groups to ask. */
export const takeSample = async ({ settings }: Container): Promise<Sample> => {
  const group = hostControlGroups().find(settings.id)
  return { stats: await group.stats(), at: performance.now() }
}

/** What two samples tell. Throws CONFLICT when it does not run. */
export const statsOf = (container: Container, before: Sample, after: Sample): ContainerStats => {
  const { id, name } = container.settings
  const { stats, at } = after
  const memoryLimit = Math.min(stats.memoryLimit ?? Infinity, totalmem())
  const nanoseconds = (at - before.at) * 1e6
  return {
    ...{ id, name, memory: stats.memory, memoryLimit, processes: stats.processes },
    cpuPercent: nanoseconds > 0 ? ((stats.cpu - before.stats.cpu) / nanoseconds) * 100 : 0,
    memoryPercent: (stats.memory / memoryLimit) * 100,
    ...networkBytes(runningProcess(container)),
  }
}

/** proc_pid_net(5): the name, 8 numbers received, the first the bytes, 8 sent. */
const networkBytes = (pid: number): { received: number; sent: number } => {
  let [received, sent] = [0, 0]
  for (const line of readFileSync(`/proc/${pid}/net/dev`, 'utf8').split('\n').slice(2)) {
    const [name = '', counts = ''] = line.split(':')
    if (counts === '' || name.trim() === 'lo') continue
    const numbers = counts.trim().split(/\s+/).map(Number)
    received += numbers[0]!
    sent += numbers[8]!
  }
  return { received, sent }
}
