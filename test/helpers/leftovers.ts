/** What there is on a host of a test's own (own-host.ts) because of containers: to be nothing when they are gone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { makeOwnHost, type OwnHost, until } from './own-host.js'
import { attempt, ladingProgram } from './programs.js'

/** As `lading ps --json` has it. */
export interface Listed {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly exitCode: number
  readonly address?: string
}

export const listed = async (host: OwnHost): Promise<readonly Listed[]> => {
  noteIds(host)
  return JSON.parse(await host.done('ps', '-a', '--json'))
}

/** Control groups are named by containers' IDs, and other stores have theirs beside them: these are ours. */
const ids = new Set<string>()

const noteIds = ({ store }: OwnHost): void => {
  for (const name of readdirSync(join(store, 'containers'))) {
    const [id] = /[0-9a-f]{64}/.exec(name) ?? []
    if (id !== undefined) ids.add(id)
  }
}

/** Those that live: commands by their environment, launchers by their file, programs of containers by what is mounted there. */
export const processesOf = ({ folder }: OwnHost): readonly number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter(pid => {
      try {
        const isDead = /^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
        const texts = ['environ', 'mountinfo'].map(file => readFileSync(`/proc/${pid}/${file}`, 'utf8'))
        return !isDead && [...texts, readlinkSync(`/proc/${pid}/exe`)].some(text => text.includes(folder))
      } catch {
        return false
      }
    })
    .map(Number)

export const leasesOf = ({ store }: OwnHost): readonly string[] =>
  readdirSync(join(store, 'network/leases')).filter(name => name !== 'draft')

const linesWith = (text: string, word: string): readonly string[] =>
  text.split('\n').filter(line => line.includes(word))

export interface Everything {
  readonly processes: readonly number[]
  readonly groups: readonly string[]
  readonly loops: readonly string[]
  readonly mounts: readonly string[]
  readonly links: readonly string[]
  readonly leases: readonly string[]
  /** All that is in the store, by name, but for what images are unpacked to. */
  readonly files: readonly string[]
}

export const everythingOf = async (host: OwnHost): Promise<Everything> => ({
  processes: processesOf(host),
  groups: (await hostControlGroups().list()).filter(id => ids.has(id)),
  loops: linesWith(
    attempt('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']).stdout,
    host.folder,
  ),
  mounts: linesWith(readFileSync('/proc/self/mountinfo', 'utf8'), host.folder),
  links: linesWith(host.run('ip', '-o', 'link').stdout, ' ldg'),
  leases: leasesOf(host),
  files: readdirSync(host.store, { recursive: true, encoding: 'utf8' })
    .filter(path => !path.startsWith('rootfs/unpacked'))
    .toSorted(),
})

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was faster.
  }
}

/** One that is frozen dies when it goes on. */
const isKilled = (pid: number): boolean => {
  try {
    return /^(?:SigPnd|ShdPnd):\s*[0-9a-f]*[13579bdf][0-9a-f]{2}$/m.test(
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    )
  } catch {
    return true
  }
}

/** SIGKILL for everything that lading runs on the host, until nothing of it lives; in any order, others being made meanwhile. */
export const killEverything = async (host: OwnHost): Promise<void> => {
  let standing = 0
  await until(() => {
    noteIds(host)
    const found = processesOf(host).toSorted(() => Math.random() - 0.5)
    for (const pid of found) kill(pid)
    standing = found.every(isKilled) ? standing + 1 : 0
    // Longer than a death takes.
    return found.length === 0 || standing > 20
  })
}

/** lading on the host, not waited for. */
export const startOn = (host: OwnHost, ...args: readonly string[]): ChildProcess =>
  spawn(host.prefix[0]!, [...host.prefix.slice(1), process.execPath, ladingProgram, ...args], {
    env: { ...process.env, ...host.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

/** A host where a container has been: what the first one makes stays (the bridge, what the kernel can do), and is `nothing`. */
export const makeUsedHost = async (name: string): Promise<{ host: OwnHost; nothing: Everything }> => {
  const host = await makeOwnHost(name)
  await host.done('run', '--rm', 'app:1', 'true')
  await host.done('prune')
  return { host, nothing: await everythingOf(host) }
}
