import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Whether a program is on the PATH (dockerd lives in sbin, which a user's PATH may leave out). */
export const has = (program: string): boolean =>
  [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'].some(folder =>
    existsSync(join(folder, program)),
  )

export const isRoot = process.getuid?.() === 0

export interface Outcome {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Run a program to its end, whatever its exit status. */
export const attempt = (
  program: string,
  args: readonly string[],
  options: { input?: Uint8Array; env?: Record<string, string>; cwd?: string } = {},
): Outcome => {
  const result = spawnSync(program, args, {
    input: options.input,
    env: { ...process.env, ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (result.error) throw result.error
  return { status: result.status, stdout: result.stdout, stderr: result.stderr }
}

/** `attempt`, while others run; killed after so many seconds: then the status is null. */
export const attemptLater = async (
  program: string,
  args: readonly string[],
  options: {
    readonly input?: Uint8Array | string
    readonly env?: Record<string, string>
    readonly seconds?: number
  } = {},
): Promise<Outcome> => {
  const child = spawn(program, args, {
    env: { ...process.env, ...options.env },
    timeout: 1000 * (options.seconds ?? 60),
    killSignal: 'SIGKILL',
  })
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  return { status, stdout, stderr }
}

/** Do something to each, so many at a time. */
export const eachOf = async <Item>(
  items: readonly Item[],
  width: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> => {
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) await work(item, index)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

/** Run a program that must succeed; its standard output. */
export const run = (...call: Parameters<typeof attempt>): string => {
  const outcome = attempt(...call)
  if (outcome.status !== 0)
    throw new Error(
      `${call[0]} ${call[1].join(' ')} ended with ${outcome.status}: ${outcome.stderr}${outcome.stdout}`,
    )
  return outcome.stdout
}

/** Two programs with a pipe between them, as `a | b`; both must succeed; the standard output of the second. */
export const pipe = (
  from: readonly string[],
  to: readonly string[],
  env: Record<string, string> = {},
): string => {
  const quote = (words: readonly string[]) =>
    words.map(word => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  return run('bash', ['-o', 'pipefail', '-c', `${quote(from)} | ${quote(to)}`], { env })
}

/** The command line under test, as a user has it. */
export const ladingProgram = join(process.cwd(), 'bin/lading.js')
export const lading = (args: readonly string[], options: Parameters<typeof attempt>[2] = {}): Outcome =>
  attempt(process.execPath, [ladingProgram, ...args], options)
