/**
 * A host of a test's own: a network namespace in which nothing touches the machine's network, and a store with an image of
 * busybox, `app:1`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { archiveOf, busyboxEntries, imageOf } from './busybox-image.js'
import { memoryFolder } from './memory-folder.js'
import { attempt, attemptLater, has, isRoot, ladingProgram, type Outcome } from './programs.js'

/** Why there can be none, or undefined. */
export const noOwnHost: string | undefined =
  process.platform !== 'linux'
    ? 'not on Linux'
    : !isRoot
      ? 'needs root'
      : ['busybox', 'unshare', 'nsenter', 'ip']
          .filter(program => !has(program))
          .map(program => `${program} is not installed`)[0]

export interface OwnHost {
  readonly folder: string
  readonly store: string
  /** A docker archive of `app:1`. */
  readonly archive: string
  readonly env: Record<string, string>
  /** Words before a command that run it on this host. */
  readonly prefix: readonly string[]
  /** Run lading on it; killed after a minute. */
  lading(...args: readonly string[]): Promise<Outcome>
  /** What it printed, without the last newline; throws when it failed. */
  done(...args: readonly string[]): Promise<string>
  /** A program of the machine, on this host's network. */
  run(...words: readonly string[]): Outcome
  /** Remove everything. */
  remove(): Promise<void>
}

export const makeOwnHost = async (name: string): Promise<OwnHost> => {
  const folder = mkdtempSync(join(memoryFolder(), `lading-${name}-`))
  const holder = spawn('unshare', ['-n', 'sleep', '3600'], { stdio: 'ignore' })
  await once(holder, 'spawn')
  const ours = readlinkSync('/proc/self/ns/net')
  await until(() => readlinkSync(`/proc/${holder.pid}/ns/net`) !== ours)
  const prefix = ['nsenter', '-t', String(holder.pid), '-n', '--']
  const store = join(folder, 'store')
  const env = { LADING_STORE: store, NODE_EXTRA_CA_CERTS: '' }
  const archive = join(folder, 'app.tar')
  writeFileSync(archive, await archiveOf({ 'app:1': await imageOf([busyboxEntries()]) }))
  const lading = (...args: readonly string[]): Promise<Outcome> =>
    attemptLater(prefix[0]!, [...prefix.slice(1), process.execPath, ladingProgram, ...args], { env })
  const done = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await lading(...args)
    if (status !== 0) throw new Error(`lading ${args.join(' ')} ended with ${status}: ${stderr}`)
    return stdout.trimEnd()
  }
  const run = (...words: readonly string[]): Outcome =>
    attempt(prefix[0]!, [...prefix.slice(1), ...words], { env })
  run('ip', 'link', 'set', 'lo', 'up')
  await done('load', '-i', archive)
  return {
    ...{ folder, store, archive, env, prefix, lading, done, run },
    remove: async () => {
      const ids = (await done('ps', '-aq')).split('\n').filter(Boolean)
      if (ids.length > 0) await lading('rm', '-fv', ...ids)
      holder.kill('SIGKILL')
      await once(holder, 'exit')
      spawnSync('rm', ['-rf', folder])
    },
  }
}

/** Wait for something to be so; throws what it was when it has not been for so many seconds. */
export const until = async (what: () => boolean | Promise<boolean>, seconds = 60): Promise<void> => {
  const deadline = Date.now() + seconds * 1000
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true`)
    await sleep(20)
  }
}
