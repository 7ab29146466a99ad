import { readFileSync, statSync } from 'node:fs'
import { groupOf, runningProcess } from './control.js'
import { readStat } from './process-identity.js'
import type { Container } from './record.js'

export interface ContainerProcess {
  readonly uid: number
  /** As the host counts. */
  readonly pid: number
  readonly parent: number
  /** As proc_pid_stat(5) has it: R, S, D, T, Z … */
  readonly state: string
  /** Seconds of processor time. */
  readonly seconds: number
  /** Its arguments; the name in brackets where it has none. */
  readonly command: string
}

/** Clock ticks a second, of sysconf(_SC_CLK_TCK): 100 on every Linux that Node runs on. */
const ticks = 100

/** The processes of a container that runs, oldest first. Throws CONFLICT. */
export const listProcesses = async (container: Container): Promise<readonly ContainerProcess[]> => {
  const first = runningProcess(container)
  const pids = (await groupOf(container)?.processes()) ?? [first]
  return [...pids].sort((a, b) => a - b).flatMap(pid => readProcess(pid) ?? [])
}

const readProcess = (pid: number): ContainerProcess | undefined => {
  const stat = readStat(pid)
  if (stat === undefined) return undefined
  const { name, fields } = stat
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
    return {
      uid: statSync(`/proc/${pid}`).uid,
      pid,
      parent: Number(fields[1]),
      state: fields[0]!,
      seconds: (Number(fields[11]) + Number(fields[12])) / ticks,
      command: words.length > 0 ? words.join(' ') : `[${name}]`,
    }
  } catch {
    // It has ended since it was listed.
    return undefined
  }
}
