import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { makeOwnHost, noOwnHost, type OwnHost, until } from '../helpers/own-host.js'
import { attempt, eachOf, ladingProgram } from '../helpers/programs.js'

// What is left of containers, however they and whoever watched them ended.
const check = noOwnHost === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (noOwnHost === undefined ? title : `${title} [skipped: ${noOwnHost}]`)

let host: OwnHost
test.before(async () => {
  if (noOwnHost === undefined) host = await makeOwnHost('many')
})
test.after.always(() => host?.remove())

interface Listed {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly exitCode: number
  readonly address?: string
}
const listed = async (): Promise<readonly Listed[]> => JSON.parse(await host.done('ps', '-a', '--json'))

/** Every process that has to do with the store: its commands and supervisors by their words, launchers and programs by their root. */
const processes = (): readonly number[] =>
  readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        const env = readFileSync(`/proc/${pid}/environ`, 'utf8')
        const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
        const isDead = /^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
        return !isDead && [words, env, mounts].some(text => text.includes(host.folder))
      } catch {
        return false
      }
    })
    .map(Number)
    .filter(pid => pid !== process.pid)

const groupsOf = async (ids: readonly string[]) =>
  (await hostControlGroups().list()).filter(id => ids.includes(id))
const loops = () =>
  attempt('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE'])
    .stdout.split('\n')
    .filter(line => line.includes(host.folder))
const mounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter(line => line.includes(host.folder))
const links = () =>
  host
    .run('ip', '-o', 'link')
    .stdout.split('\n')
    .filter(line => line.includes('ldg'))
const leases = () => readdirSync(join(host.store, 'network/leases')).filter(name => name !== 'draft')
const records = (folder: string) =>
  existsSync(join(host.store, folder)) ? readdirSync(join(host.store, folder)) : []

/** Everything that there could be of containers that are gone. */
const leftovers = async (ids: readonly string[]): Promise<Record<string, readonly unknown[]>> => ({
  processes: processes(),
  groups: await groupsOf(ids),
  loops: loops(),
  mounts: mounts(),
  links: links(),
  leases: leases(),
  records: records('containers'),
  names: records('container-names'),
  temporary: records('rootfs/tmp'),
})
const nothing = {
  processes: [],
  groups: [],
  loops: [],
  mounts: [],
  links: [],
  leases: [],
  records: [],
  names: [],
  temporary: [],
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was faster.
  }
}

/** SIGKILL for everything that lading runs, until nothing of it is left; in any order, others being made meanwhile. */
const killAll = (pids: () => readonly number[]): Promise<void> =>
  until(() => {
    const found = pids().toSorted(() => Math.random() - 0.5)
    for (const pid of found) kill(pid)
    return found.length === 0
  })

/** The first line of what it prints; it must not fail before. */
const readFirstLine = async (child: ChildProcess): Promise<string> => {
  let said = ''
  for await (const chunk of child.stdout!) {
    said += chunk
    if (said.includes('\n')) return said.slice(0, said.indexOf('\n'))
  }
  throw new Error(`It said ${said} and ended`)
}

/** lading on the host, not waited for. */
const start = (...args: readonly string[]) =>
  spawn(host.prefix[0]!, [...host.prefix.slice(1), process.execPath, ladingProgram, ...args], {
    env: { ...process.env, ...host.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })

check(
  titled(
    '50 containers at once, 20 of them killed with all that watches them: no address is given twice, and prune leaves nothing',
  ),
  async t => {
    const held = join(host.folder, 'held')
    const twice = join(held, 'twice')
    mkdirSync(twice, { recursive: true })
    // Only one can make a folder of a name: what is not there must not be had by another.
    const script = (last: string) => `ip=$(ip -4 -o addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/')
    mkdir /held/$ip || touch /held/twice/$ip; echo $ip; ${last}`
    const common = ['-p', '0:80', '-v', `${held}:/held`, 'app:1', 'sh', '-c'] as const
    const addresses: string[] = []
    const victims: string[] = []
    await eachOf(
      Array.from({ length: 50 }, (_, index) => index),
      10,
      async index => {
        const name = `c${index}`
        if (index % 5 >= 3) {
          // Killed later, when all of them run.
          victims.push(name)
          const words = ['run', '--name', name, ...common, script('sleep 1000')]
          if (index % 2) addresses.push(await readFirstLine(start(...words)))
          else await host.done('run', '-d', ...words.slice(1))
          return
        }
        const ended = script('sleep 0.$((RANDOM % 10)); rmdir /held/$ip')
        if (index % 2) addresses.push(await host.done('run', '--rm', '--name', name, ...common, ended))
        else {
          await host.done('run', '-d', '--name', name, ...common, ended)
          await host.done('wait', name)
          addresses.push(await host.done('logs', name))
          await host.done('rm', name)
        }
      },
    )
    t.is(victims.length, 20)
    for (const each of await listed()) if (each.address) addresses.push(each.address)
    const alive = await listed()
    t.deepEqual(
      alive.map(({ name, status }) => [name, status]).toSorted(),
      victims.map(name => [name, 'running']).toSorted(),
    )
    t.deepEqual(
      leases().toSorted(),
      alive.map(({ address }) => address!).toSorted(),
      'a lease for each, and none besides',
    )
    t.is(new Set(leases()).size, 20)
    t.true(
      addresses.every(address => /^\d+\.\d+\.\d+\.\d+$/.test(address)),
      addresses.join(),
    )
    const ids = alive.map(({ id }) => id)
    t.is((await groupsOf(ids)).length, 20)

    await killAll(processes)
    t.deepEqual(readdirSync(twice), [], 'addresses that two had at once')

    // Before anything is cleaned up, the truth is told.
    for (const { name, status, exitCode, address } of await listed())
      t.deepEqual([name, status, exitCode, address], [name, 'exited', 137, undefined])
    t.is(await host.done('ps', '-q'), '')
    // One of them can start again before anything is cleaned up.
    await host.done('start', victims[0]!)
    t.is((await listed()).find(({ name }) => name === victims[0])!.status, 'running')
    await killAll(processes)

    await host.done('prune')
    t.deepEqual(await leftovers(ids), nothing)
  },
)

const ways: readonly (readonly string[])[] = [['run'], ['run', '--rm'], ['run', '-d'], ['run', '-d', '--rm']]

check(titled('run: killed at any of its steps it leaves nothing after prune'), async t => {
  const steps = [
    'Image found',
    'Container created',
    'Interface bridged',
    'Address given',
    'File system mounted',
    'Program run',
  ]
  for (const step of steps)
    for (const way of ways) {
      const child = start(...way, '--progress', 'plain', '-p', '0:80', 'app:1', 'sleep', '1000')
      let said = ''
      for await (const chunk of child.stderr!) {
        said += chunk
        // In the background the program runs when the command has ended.
        if (said.includes(`lading: ${step}`)) break
      }
      t.true(said.includes(`lading: ${step}`) || (way.includes('-d') && step === 'Program run'), said)
      await killAll(processes)
      for (const { status } of await listed()) t.true(status === 'exited' || status === 'created', status)
    }
  await host.done('prune')
  t.deepEqual(await leftovers([]), nothing)
})

check(titled('run: killed at 40 moments it leaves nothing after prune'), async t => {
  const groups = hostControlGroups()
  const before = new Set(await groups.list())
  for (let round = 0; round < 40; round++) {
    // A run takes some tenths of a second here; steps of 12 ms go through all of it.
    const child = start(...ways[round % ways.length]!, '-p', '0:80', 'app:1', 'sh', '-c', 'sleep 0.05')
    await sleep((round * 12 * 7) % 480)
    await killAll(processes)
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    if (round % 8 !== 7) continue
    for (const { status } of await listed()) t.true(status === 'exited' || status === 'created', status)
    await host.done('prune')
    const ids = (await groups.list()).filter(id => !before.has(id))
    t.deepEqual(await leftovers(ids), nothing, `after round ${round}`)
  }
})

check(titled('ps: after a reboot containers have ended with 255, and start again'), async t => {
  await host.done('run', '-d', '--name', 'kept', 'app:1', 'sh', '-c', 'echo started; sleep 1000')
  await host.done('run', '-d', '--name', 'paused', '--network', 'none', 'app:1', 'sleep', '1000')
  await host.done('pause', 'paused')
  const ids = (await listed()).map(({ id }) => id)
  for (const id of ids) await hostControlGroups().find(id).thaw()
  await killAll(processes)
  // What a reboot takes: groups, links; and the kernel has another ID of the boot.
  for (const id of ids) await hostControlGroups().find(id).remove()
  host.run('ip', 'link', 'delete', 'lading0')
  for (const id of ids) {
    const path = join(host.store, 'containers', id, 'state.json')
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(
        /"boot": "[^"]*"/g,
        `"boot": "${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}"`,
      ),
    )
  }
  for (const { status, exitCode } of await listed()) t.deepEqual([status, exitCode], ['exited', 255])
  t.is(
    JSON.parse(await host.done('inspect', 'kept', '--json')).state.error,
    'The machine went down while it ran',
  )
  await host.done('start', 'kept')
  t.is(
    await host.done('exec', 'kept', 'sh', '-c', 'ping -c 1 -W 5 $(hostname) >/dev/null && echo reached'),
    'reached',
  )
  await host.done('rm', '-f', 'kept')
  await host.done('prune')
  t.deepEqual(await leftovers(ids), nothing)
})

check(titled('prune: beside others that start, run and remove containers it harms none'), async t => {
  let isOver = false
  const pruning = Promise.all(
    [0, 1].map(async () => {
      while (!isOver) await host.done('prune')
    }),
  )
  await host.done(
    'run',
    '-d',
    '--name',
    'steady',
    'app:1',
    'sh',
    '-c',
    'trap "echo asked; exit 7" TERM; while :; do sleep 0.1; done',
  )
  const kinds = ['erofs', 'overlay', 'copy']
  await eachOf(
    Array.from({ length: 24 }, (_, index) => index),
    4,
    async index => {
      const kind = ['--rootfs', kinds[index % 3]!]
      const image = index % 2 ? 'app:1' : host.archive
      if (index % 4 < 2) {
        t.is(await host.done('run', '--rm', ...kind, image, 'echo', `said ${index}`), `said ${index}`)
        return
      }
      const id = await host.done('run', '-d', '--name', `d${index}`, ...kind, image, 'sleep', '1000')
      t.is(await host.done('exec', id, 'echo', `said ${index}`), `said ${index}`)
      await host.done('rm', '-f', id)
    },
  )
  isOver = true
  await pruning
  await host.done('stop', 'steady')
  t.is(JSON.parse(await host.done('inspect', 'steady', '--json')).state.exitCode, 7)
  await host.done('prune')
  t.deepEqual(await leftovers([]), nothing)
})
