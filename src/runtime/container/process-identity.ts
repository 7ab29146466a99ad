import { textOfFile } from '../../bytes/text-of-file.js'
import { readBootId } from '../../store/boot-id.js'

/** A process for good: numbers are given again, and to other processes after a boot. */
export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks after the boot: field 22 of /proc/PID/stat. */
  readonly startTime: number
  /** /proc/sys/kernel/random/boot_id. */
  readonly boot: string
}

/** proc_pid_stat(5): the program's name, and the fields behind it, of which the state is the first; undefined when it is gone. */
export const readStat = (
  pid: number,
): { readonly name: string; readonly fields: readonly string[] } | undefined => {
  const stat = textOfFile(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The name, in parentheses, may itself hold blanks and parentheses.
  const end = stat.lastIndexOf(')')
  return { name: stat.slice(stat.indexOf('(') + 1, end), fields: stat.slice(end + 2).split(' ') }
}

/** The process that has the number now; undefined where none has, or one that has ended and was not waited for. */
export const identify = (pid: number): ProcessIdentity | undefined => {
  const { fields } = readStat(pid) ?? {}
  if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined
  return { pid, startTime: Number(fields[19]), boot: readBootId() }
}

let own: ProcessIdentity | undefined

/** This process. */
export const ownIdentity = (): ProcessIdentity => {
  own ??= identify(process.pid)!
  return own
}

/** Whether this very process still runs. */
export const isAlive = (process: ProcessIdentity | undefined): boolean => {
  if (process === undefined || process.boot !== readBootId()) return false
  return identify(process.pid)?.startTime === process.startTime
}
