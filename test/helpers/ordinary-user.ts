import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { attempt, has, isRoot, ladingProgram, type Outcome, run } from './programs.js'

/** Why no ordinary user can be made, or undefined. */
export const noOrdinaryUser: string | undefined =
  process.platform !== 'linux'
    ? 'not on Linux'
    : !isRoot
      ? 'making a user needs root'
      : (['useradd', 'userdel', 'setpriv', 'newuidmap', 'newgidmap', 'busybox']
          .filter(program => !has(program))
          .map(program => `${program} is not installed`)[0] ??
        (existsSync('/proc/self/ns/user') ? undefined : 'this kernel has no user namespaces'))

export interface TestUser {
  readonly name: string
  readonly uid: number
  readonly home: string
  /** First and number of the IDs that the user has besides; none: undefined. */
  readonly range: { readonly first: number; readonly count: number } | undefined
  /** Run a program as the user, with this environment and nothing else; killed after a minute. */
  run(
    words: readonly string[],
    options?: { readonly input?: string; readonly env?: Record<string, string> },
  ): Promise<Outcome>
  lading(...words: readonly string[]): Promise<Outcome>
  remove(): void
}

/** A user of this machine for the time of a test, with a home and, unless `system`, with IDs for containers. */
export const makeTestUser = (name: string, { system = false } = {}): TestUser => {
  attempt('userdel', ['-rf', name])
  run('useradd', [...(system ? ['--system'] : []), '--create-home', '--shell', '/bin/sh', name])
  const [, uid = '', gid = '', home = ''] =
    new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):[^:]*:([^:]*):`, 'm').exec(
      readFileSync('/etc/passwd', 'utf8'),
    ) ?? []
  const [, first, count] =
    new RegExp(`^${name}:(\\d+):(\\d+)$`, 'm').exec(readFileSync('/etc/subuid', 'utf8')) ?? []
  const runAs: TestUser['run'] = async ([program = '', ...words], { input = '', env = {} } = {}) => {
    const child = spawn(program, words, {
      ...{ uid: Number(uid), gid: Number(gid), cwd: home, timeout: 60_000, killSignal: 'SIGKILL' },
      env: { PATH: process.env.PATH ?? '', HOME: home, ...env },
    })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    return { status, stdout, stderr }
  }
  return {
    ...{ name, home, uid: Number(uid) },
    range: first === undefined ? undefined : { first: Number(first), count: Number(count) },
    run: runAs,
    lading: (...words) => runAs([process.execPath, ladingProgram, ...words]),
    remove: () => {
      // Of a test that failed.
      attempt('pkill', ['-KILL', '-U', uid])
      attempt('userdel', ['-rf', name])
    },
  }
}
