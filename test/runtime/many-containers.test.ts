import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import {
  type Everything,
  everythingOf,
  killEverything,
  leasesOf,
  listed,
  makeUsedHost,
  processesOf,
  startOn,
} from '../helpers/leftovers.js'
import { noOwnHost, type OwnHost, until } from '../helpers/own-host.js'
import { eachOf, run } from '../helpers/programs.js'

// What is left of containers, however they and whoever watched them ended.
const check = noOwnHost === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (noOwnHost === undefined ? title : `${title} [skipped: ${noOwnHost}]`)

let host: OwnHost
let nothing: Everything
test.before(async () => {
  if (noOwnHost === undefined) ({ host, nothing } = await makeUsedHost('many'))
})
test.after.always(() => host?.remove())

/** The first line of what it prints; it must not fail before. */
const readFirstLine = async (child: ChildProcess): Promise<string> => {
  let said = ''
  for await (const chunk of child.stdout!) {
    said += chunk
    if (said.includes('\n')) return said.slice(0, said.indexOf('\n'))
  }
  throw new Error(`It said ${said} and ended`)
}

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
          if (index % 2) addresses.push(await readFirstLine(startOn(host, ...words)))
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
    for (const each of await listed(host)) if (each.address) addresses.push(each.address)
    const alive = await listed(host)
    t.deepEqual(
      alive.map(({ name, status }) => [name, status]).toSorted(),
      victims.map(name => [name, 'running']).toSorted(),
    )
    t.deepEqual(
      leasesOf(host).toSorted(),
      alive.map(({ address }) => address!).toSorted(),
      'a lease for each, and none besides',
    )
    t.is(new Set(leasesOf(host)).size, 20)
    t.true(
      addresses.every(address => /^\d+\.\d+\.\d+\.\d+$/.test(address)),
      addresses.join(),
    )
    t.is((await everythingOf(host)).groups.length, 20)

    await killEverything(host)
    t.deepEqual(readdirSync(twice), [], 'addresses that two had at once')

    // Before anything is cleaned up, the truth is told.
    for (const { name, status, exitCode, address } of await listed(host))
      t.deepEqual([name, status, exitCode, address], [name, 'exited', 137, undefined])
    t.is(await host.done('ps', '-q'), '')
    // One of them can start again before anything is cleaned up.
    await host.done('start', victims[0]!)
    t.is((await listed(host)).find(({ name }) => name === victims[0])!.status, 'running')
    await killEverything(host)

    await host.done('prune')
    t.deepEqual(await everythingOf(host), nothing)
  },
)

check(titled('run: a container ends with whoever watches it, and its link with it'), async t => {
  const foreground = startOn(host, 'run', '--name', 'here', 'app:1', 'sh', '-c', 'echo up; sleep 1000')
  await readFirstLine(foreground)
  await host.done('run', '-d', '--init', '--name', 'there', 'app:1', 'sh', '-c', 'sleep 1000 & sleep 1000')
  for (const { id } of await listed(host)) {
    const state = JSON.parse(readFileSync(join(host.store, 'containers', id, 'state.json'), 'utf8'))
    process.kill(state.watcher.pid, 'SIGKILL')
  }
  await until(() => processesOf(host).length === 0)
  for (const { status, exitCode } of await listed(host)) t.deepEqual([status, exitCode], ['exited', 137])
  await until(async () => (await everythingOf(host)).links.length === 0)
  await host.done('prune')
  t.deepEqual(await everythingOf(host), nothing)
})

check(titled('ps: after a reboot containers have ended with 255, and start again'), async t => {
  await host.done('run', '-d', '--name', 'kept', 'app:1', 'sh', '-c', 'echo started; sleep 1000')
  await host.done('run', '-d', '--name', 'paused', '--network', 'none', 'app:1', 'sleep', '1000')
  await host.done('pause', 'paused')
  const ids = (await listed(host)).map(({ id }) => id)
  for (const id of ids) await hostControlGroups().find(id).thaw()
  await killEverything(host)
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
  for (const { status, exitCode } of await listed(host)) t.deepEqual([status, exitCode], ['exited', 255])
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
  t.deepEqual(await everythingOf(host), nothing)
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
  t.deepEqual(await everythingOf(host), nothing)
})

check(
  titled('prune: whoever reads a container that does not run gets all of it, or is told that it is gone'),
  async t => {
    const counts: number[] = []
    for (let round = 0; round < 6; round++) {
      await host.done(
        'run',
        '--name',
        'full',
        '--network',
        'none',
        'app:1',
        'sh',
        '-c',
        'mkdir /d; cd /d; seq 1500 | xargs touch',
      )
      const tar = join(host.folder, 'full.tar')
      const exporting = host.lading('export', 'full', '-o', tar)
      // An export takes some tenths of a second.
      await sleep(60 + 60 * round)
      const [{ status, stderr }, pruned] = await Promise.all([exporting, host.lading('prune')])
      t.is(pruned.status, 0, pruned.stderr)
      if (status === 0)
        counts.push(
          run('tar', ['-tf', tar])
            .split('\n')
            .filter(name => name.startsWith('d/') && name !== 'd/').length,
        )
      else t.regex(stderr, /No such container|There is nothing called|full/)
    }
    t.log(`${counts.length} of 6 were exported`)
    t.true(
      counts.every(count => count === 1500),
      counts.join(),
    )
    t.deepEqual(await everythingOf(host), nothing)
  },
)
