import { spawnSync } from 'node:child_process'
import { constants } from 'node:os'
import { LadingError } from '../../spec/errors.js'
import { busyTries, isBusy, removeLauncherFile, startFailure, writeLauncherFile } from './launcher-file.js'
import { launcherFds, type Program } from './program.js'
import { readReportWord } from './report-words.js'
import type { Report } from './reports.js'

export interface OnceOptions {
  /** What is being done, for errors: `Cannot set up the bridge lading0`. */
  readonly action: string
  /** As of launch. */
  readonly folder: string
  /** What the program reads from descriptor 0, or this process's descriptor that is its 0. Nothing: /dev/null. */
  readonly input?: Uint8Array | number
  /** Descriptors of this process that are the program's 5, 6, … */
  readonly descriptors?: readonly number[]
}

export interface OnceResult {
  /** What it wrote to descriptor 1; its error output is this process's. */
  readonly stdout: Buffer
  /** What it wrote to descriptor 4. */
  readonly reports: readonly Report[]
  /** Exit status, or 128 + the signal's number. */
  readonly status: number
}

/** The first of `descriptors`. */
export const firstDescriptor = launcherFds.reports + 1

/** Long for what is done in one go; a kernel that does not answer shall not hold up everything else. */
const longest = 30_000

/**
 * Run a small program to its end while this process waits: netlink messages, ioctls. Throws UNSUPPORTED
 * `ACTION: STEP: ERRNO` with `{step, errno}` as data when a step fails, and what launch throws.
 */
export const runOnce = (program: Program, options: OnceOptions): OnceResult => {
  const path = writeLauncherFile(options.folder, program)
  try {
    const result = spawnToEnd(path, options)
    const reports: Report[] = []
    for (let at = 0; at + 8 <= result.reports.length; at += 8) {
      const word = readReportWord(program, result.reports, at)
      if ('report' in word) reports.push(word.report)
      else
        throw new LadingError(
          'UNSUPPORTED',
          `${options.action}: ${word.failure.step}: ${word.failure.errno}`,
          {
            data: { ...word.failure },
          },
        )
    }
    return { stdout: result.stdout, reports, status: result.status }
  } finally {
    removeLauncherFile(path)
  }
}

const spawnToEnd = (path: string, options: OnceOptions) => {
  const { input } = options
  for (let tries = 1; ; tries++) {
    const result = spawnSync(path, [], {
      argv0: 'lading-launcher',
      cwd: '/',
      env: {},
      stdio: [
        typeof input === 'number' ? input : input ? 'pipe' : 'ignore',
        ...(['pipe', 'inherit', 'ignore', 'pipe'] as const),
        ...(options.descriptors ?? []),
      ],
      ...(input instanceof Uint8Array && { input }),
      timeout: longest,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 26,
    })
    const error = result.error as NodeJS.ErrnoException | undefined
    if (error?.code === 'ETIMEDOUT')
      throw new LadingError('UNSUPPORTED', `${options.action}: no answer in ${longest / 1000} seconds`)
    // An early end without reading all of the input is told by the status.
    if (!error || error.code === 'EPIPE' || error.code === 'ECONNRESET')
      return {
        stdout: result.stdout,
        reports: result.output[launcherFds.reports] as unknown as Buffer,
        status: result.status ?? 128 + constants.signals[result.signal!],
      }
    if (!isBusy(error) || tries === busyTries.count) throw startFailure(error, options.folder)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyTries.pause)
  }
}
