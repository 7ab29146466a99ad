import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Stream, Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { busyTries, isBusy, removeLauncherFile, startFailure, writeLauncherFile } from './launcher-file.js'
import type { Program } from './program.js'
import type { LaunchFailure } from './report-words.js'
import { type Report, readReports } from './reports.js'

/** What a launched program's standard input, output or error is; as child_process has it. */
export type Stdio = 'pipe' | 'ignore' | 'inherit' | number | Stream

export interface LaunchOptions {
  readonly stdio: readonly [input: Stdio, output: Stdio, error: Stdio]
  /** Absolute; only its owner may write there, and programs may be run from it. The file is gone once it runs. */
  readonly folder: string
  /** In a session of its own, so that the terminal's signals do not reach it. */
  readonly detached?: boolean
  /** No step reads from descriptor 3: it is /dev/null, which is there sooner. */
  readonly withoutOrders?: boolean
}

export interface Launched {
  /** The running program, with its `pid`. Errors of its streams are handled: a program may end at any time. */
  readonly child: ChildProcess
  /** Say something that a step reads from descriptor 3. What a program that has ended is told is lost. */
  order(bytes: Uint8Array): void
  /** No more orders: a step that reads gets 0. */
  closeOrders(): void
  /** What steps write to descriptor 4, as 8-byte numbers. Ends when all of its processes have closed it. */
  readonly reports: AsyncIterable<Report>
  /** The step that failed (the program then ends with 125); undefined once it is clear that none did. */
  readonly failure: Promise<LaunchFailure | undefined>
}

/**
 * Start a program as a process: with an empty environment, in the folder `/`, with orders on descriptor 3 and
 * reports on 4. Neither is closed on exec: the program does that. UNSUPPORTED when the folder is mounted noexec.
 *
 * Starting copies the page tables of this process: 1.6 ms with 50 MB, 24 ms with 500 MB of memory in use.
 */
export const launch = async (program: Program, options: LaunchOptions): Promise<Launched> => {
  const path = writeLauncherFile(options.folder, program)
  try {
    const child = await start(path, options)
    const [, , , orders, reports] = child.stdio as [unknown, unknown, unknown, Writable | null, Readable]
    return {
      child,
      order: bytes => {
        if (orders?.writable) orders.write(bytes)
      },
      closeOrders: () => {
        orders?.end()
      },
      ...readReports(program, reports),
    }
  } finally {
    removeLauncherFile(path)
  }
}

const start = async (path: string, options: LaunchOptions): Promise<ChildProcess> => {
  for (let tries = 1; ; tries++) {
    try {
      return await spawned(path, options)
    } catch (error) {
      if (!isBusy(error) || tries === busyTries.count) throw startFailure(error, options.folder)
      await pause(busyTries.pause)
    }
  }
}

const spawned = async (path: string, options: LaunchOptions): Promise<ChildProcess> => {
  const child = spawn(path, [], {
    argv0: 'lading-launcher',
    cwd: '/',
    env: {},
    stdio: [...options.stdio, options.withoutOrders ? 'ignore' : 'pipe', 'pipe'],
    detached: options.detached ?? false,
  })
  // A process that has not started for want of descriptors has no streams, whatever its type says.
  const streams: (Stream | null | undefined)[] | undefined = child.stdio
  // Pipes of a program that ends before it has read everything give ECONNRESET or EPIPE, which say nothing new.
  for (const stream of streams ?? []) stream?.on('error', () => {})
  // The process number is there as soon as exec has been done. What spawn does not throw, it tells in a moment.
  if (child.pid === undefined) throw (await once(child, 'error'))[0]
  return child
}
