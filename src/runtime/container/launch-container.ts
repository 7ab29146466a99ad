import { readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { textOfFile } from '../../bytes/text-of-file.js'
import { LadingError } from '../../spec/errors.js'
import { type Launched, launch, type Stdio } from '../launcher/launch.js'
import type { Program } from '../launcher/program.js'
import type { TerminalSize } from '../launcher/terminal-steps.js'
import { followProgram, type ProgramEnd } from './follow-program.js'
import type { Terminal } from './terminal.js'

export interface LaunchRequest {
  readonly program: Program
  /** The first of the program's arguments, for errors. */
  readonly command: string
  readonly stdio: readonly [Stdio, Stdio, Stdio]
  /** Where launchers are run from. */
  readonly programs: string
  /** Absent: no terminal. */
  readonly terminal?: { readonly size: TerminalSize }
  readonly init: boolean
  /** The host's part of a network, which gives the order for the set-up; absent: none. */
  readonly network?: (pid: number) => Promise<Buffer>
  /** Called when the process is there, before it is told to go on. */
  readonly onProcess?: (pid: number) => void
}

export interface RunningProgram {
  /** As the host counts. Throws LAUNCH when the set-up failed. */
  readonly pid: number
  readonly terminal?: Terminal
  /** Whether the program itself runs by now: false when it has ended before anybody could see. */
  started(): Promise<void>
  readonly end: Promise<ProgramEnd>
  kill(signal: number): void
}

/** Start a set-up and see it through, up to where the program is run. */
export const launchProgram = async (request: LaunchRequest): Promise<RunningProgram> => {
  const { command, terminal: wanted, programs } = request
  const launched: Launched = await launch(request.program, {
    ...{ stdio: request.stdio, folder: programs },
    withoutOrders: request.network === undefined && wanted === undefined,
  })
  const followed = followProgram(launched, { program: command, terminal: wanted !== undefined })
  const pid = await followed.pid
  if (pid === undefined) throw launchFailure(await followed.end)
  request.onProcess?.(pid)
  let terminal: Terminal | undefined
  try {
    const go = Buffer.of(1)
    if (request.network) launched.order(Buffer.concat([go, await request.network(pid)]))
    else if (wanted) launched.order(go)
    if (wanted) {
      const devpts = await followed.terminals
      if (devpts === undefined) throw launchFailure(await followed.end)
      const { openTerminal } = await import('./terminal.js')
      terminal = openTerminal({ pid, devpts }, wanted.size, programs)
      launched.order(terminal.order)
    }
  } catch (error) {
    // It waits for orders: without them it ends, and this is why it does.
    launched.child.kill('SIGKILL')
    await followed.end
    terminal?.close()
    throw error
  }
  return {
    pid,
    ...(terminal && { terminal }),
    end: followed.end,
    started: () => untilProgram(pid, request.init, followed.end),
    kill: signal => killProcess(pid, signal),
  }
}

export const launchFailure = ({ exitCode, failure }: ProgramEnd): LadingError =>
  new LadingError('UNSUPPORTED', failure ?? `the set-up ended with ${exitCode}`, { data: { exitCode } })

export const killProcess = (pid: number, signal: number): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Wait until the set-up has become the program, or has ended: a process that runs another file than the launcher's,
 * which has no name any more. With an init in front, its child.
 */
const untilProgram = async (pid: number, init: boolean, end: Promise<ProgramEnd>): Promise<void> => {
  let ended = false
  void end.then(() => {
    ended = true
  })
  for (let pause = 1; !ended; pause = Math.min(pause * 2, 10)) {
    const process = init ? firstChild(pid) : pid
    if (process !== undefined && !isLauncher(process)) return
    await sleep(pause)
  }
}

const firstChild = (pid: number): number | undefined => {
  const [child] = textOfFile(`/proc/${pid}/task/${pid}/children`)?.split(' ') ?? []
  return child ? Number(child) : undefined
}

const isLauncher = (pid: number): boolean => {
  try {
    return (
      / \(deleted\)$/.test(readlinkSync(`/proc/${pid}/exe`)) &&
      /launcher-[0-9a-f]{12}/.test(readlinkSync(`/proc/${pid}/exe`))
    )
  } catch {
    // Gone: its end is told in a moment.
    return true
  }
}
