import { errnoName } from '../launcher/errno.js'
import { executeFailure } from '../launcher/execute-steps.js'
import type { Launched } from '../launcher/launch.js'
import type { LaunchFailure } from '../launcher/report-words.js'

/** How a process of a container ended. */
export interface ProgramEnd {
  /** As shells give it. */
  readonly exitCode: number
  /** The set-up did not come to an end (125), or the program could not be run (126, 127). */
  readonly failure?: string
}

export interface FollowedProgram {
  /** As the host counts; undefined when it did not come so far. */
  readonly pid: Promise<number | undefined>
  /** With a terminal: the descriptor under which that process holds its devpts. */
  readonly terminals: Promise<number | undefined>
  readonly end: Promise<ProgramEnd>
}

/** Make sense of what a launched container or exec reports (launcher/prepared.ts). */
export const followProgram = (
  { child, reports, failure }: Launched,
  { program, terminal }: { program: string; terminal: boolean },
): FollowedProgram => {
  let failed: LaunchFailure | undefined
  void failure.then(found => {
    failed = found
  })
  const exited = new Promise<number>(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode ?? 137)
    else child.once('exit', code => resolve(code ?? 137))
  })
  let setPid: (pid: number | undefined) => void
  let setTerminals: (descriptor: number | undefined) => void
  const pid = new Promise<number | undefined>(resolve => {
    setPid = resolve
  })
  const terminals = new Promise<number | undefined>(resolve => {
    setTerminals = resolve
  })
  const follow = async (): Promise<ProgramEnd> => {
    const found: number[] = []
    let refusal: string | undefined
    for await (const report of reports) {
      if (report < 0) refusal = executeFailure(program, errnoName(-report))
      else {
        found.push(report)
        if (found.length === 1) setPid(report)
        if (found.length === 2 && terminal && !failed) setTerminals(report)
      }
    }
    setPid(undefined)
    setTerminals(undefined)
    const exitCode = await exited
    if (failed) return { exitCode: 125, failure: `${failed.step}: ${failed.errno}` }
    return { exitCode, ...(refusal !== undefined && { failure: refusal }) }
  }
  return { pid, terminals, end: follow() }
}
