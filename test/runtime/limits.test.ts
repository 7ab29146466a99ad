import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { makeOwnHost, noOwnHost, type OwnHost, until } from '../helpers/own-host.js'

// What limits do to real programs, on whichever version of control groups this machine has.
const groups = (() => {
  try {
    return hostControlGroups()
  } catch {
    return undefined
  }
})()
const reason = noOwnHost ?? (groups === undefined ? 'this host has no control groups' : undefined)
const check = reason === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (reason === undefined ? title : `${title} [skipped: ${reason}]`)

let host: OwnHost
test.before(async () => {
  if (reason === undefined) host = await makeOwnHost('limits')
})
test.after.always(() => host?.remove())

const quiet = ['--network', 'none'] as const
const inspected = async (name: string) => JSON.parse(await host.done('inspect', name, '--json'))
/** A file of the container's group. */
const groupFile = async (name: string, controller: string, file: string): Promise<string> => {
  const { entry } = groups!.find((await inspected(name)).id)
  if (entry.version === 'none') throw new Error('It has no group')
  const folder =
    entry.version === 2
      ? entry.folder
      : entry.folders[entry.hierarchies.findIndex(({ options }) => options.includes(controller))]!
  return readFileSync(join(folder, file), 'utf8').trim()
}
const isOne = groups?.version === 1
/** Doubles a text of one byte so many times, and says each time that it has. */
const double = (times: number) =>
  `awk 'BEGIN { s = "x"; for (i = 1; i <= ${times}; i++) { s = s s; print i; fflush() } }'`

check(titled('--memory: what takes more is killed, with 137 and OOMKilled'), async t => {
  const outcome = await host.lading(
    'run',
    '--name',
    'greedy',
    ...quiet,
    '-m',
    '64m',
    'app:1',
    'sh',
    '-c',
    double(40),
  )
  t.is(outcome.status, 137, outcome.stderr)
  const doubled = Number(outcome.stdout.trim().split('\n').at(-1))
  t.true(doubled >= 23 && doubled <= 26, `it had ${2 ** doubled} bytes`)
  t.like((await inspected('greedy')).state, { oomKilled: true, exitCode: 137, status: 'exited' })
  // The same within its limit.
  const modest = await host.lading(
    'run',
    '--name',
    'modest',
    ...quiet,
    '-m',
    '64m',
    'app:1',
    'sh',
    '-c',
    double(23),
  )
  t.is(modest.status, 0, modest.stderr)
  t.like((await inspected('modest')).state, { oomKilled: false, exitCode: 0 })
})

check(titled('--memory: a killed child is told too, and the container goes on'), async t => {
  const script = `(${double(40)}) >/dev/null; echo child ended with $?`
  t.is(
    await host.done('run', '--name', 'parent', ...quiet, '-m', '64m', 'app:1', 'sh', '-c', script),
    'child ended with 137',
  )
  t.like((await inspected('parent')).state, { oomKilled: true, exitCode: 0 })
})

check(
  titled('--memory-swap, --memory, --cpus, --cpu-shares, --pids-limit, --cpuset-cpus: the kernel has them'),
  async t => {
    await host.done(
      ...['run', '-d', '--name', 'set', ...quiet, '-m', '64m', '--memory-swap', '96m', '--cpus', '0.5'],
      ...['--cpu-shares', '512', '--pids-limit', '50', '--cpuset-cpus', '0', 'app:1', 'sleep', '60'],
    )
    const files = isOne
      ? [
          ['memory', 'memory.limit_in_bytes', '67108864'],
          ['memory', 'memory.memsw.limit_in_bytes', '100663296'],
          ['cpu', 'cpu.cfs_quota_us', '50000'],
          ['cpu', 'cpu.cfs_period_us', '100000'],
          ['cpu', 'cpu.shares', '512'],
        ]
      : [
          ['memory', 'memory.max', '67108864'],
          ['memory', 'memory.swap.max', '33554432'],
          ['cpu', 'cpu.max', '50000 100000'],
          ['cpu', 'cpu.weight', '20'],
        ]
    for (const [controller, file, value] of [
      ...files,
      ['pids', 'pids.max', '50'],
      ['cpuset', 'cpuset.cpus', '0'],
    ] as string[][])
      t.is(await groupFile('set', controller!, file!), value!, file!)
    await host.done('rm', '-f', 'set')
  },
)

check(titled('--pids-limit: a fork bomb stops, and the machine goes on'), async t => {
  // A shell that cannot fork ends, and leaves all that it has made.
  const bomb = "sh -c 'while :; do sleep 1000 & done'; exec sleep 1000"
  await host.done('run', '-d', '--name', 'bomb', ...quiet, '--pids-limit', '30', 'app:1', 'sh', '-c', bomb)
  const count = async () => Number(await groupFile('bomb', 'pids', 'pids.current'))
  await until(async () => (await host.lading('logs', 'bomb')).stderr.includes("can't fork"))
  const left = await count()
  t.true(left >= 28 && left <= 30, `${left} processes`)
  t.is((await host.lading('run', '--rm', ...quiet, 'app:1', 'true')).status, 0)
  await host.done('rm', '-f', 'bomb')
  const refused = await host.lading(
    'run',
    '--rm',
    ...quiet,
    '--pids-limit',
    '5',
    'app:1',
    'sh',
    '-c',
    'for i in 1 2 3 4 5 6 7 8; do sleep 5 & done; wait',
  )
  t.regex(refused.stderr, /can't fork/)
})

check(titled('--cpus: half a processor is what a busy program gets'), async t => {
  await host.done(
    'run',
    '-d',
    '--name',
    'busy',
    ...quiet,
    '--cpus',
    '0.5',
    'app:1',
    'sh',
    '-c',
    'while :; do :; done & while :; do :; done',
  )
  const used = async () =>
    isOne
      ? Number(await groupFile('busy', 'cpuacct', 'cpuacct.usage')) / 1e9
      : Number(/usage_usec (\d+)/.exec(await groupFile('busy', 'cpu', 'cpu.stat'))![1]) / 1e6
  const [before, started] = [await used(), performance.now()]
  await sleep(2000)
  const share = ((await used()) - before) / ((performance.now() - started) / 1000)
  t.true(share > 0.02 && share < 0.65, `it got ${share.toFixed(2)} processors`)
  const [stats] = JSON.parse(await host.done('stats', '--no-stream', '--json', 'busy'))
  t.true(stats.cpuPercent > 1 && stats.cpuPercent < 80, `${stats.cpuPercent} %`)
  await host.done('rm', '-f', 'busy')
})

check(titled('pause: nothing goes on until unpause'), async t => {
  await host.done(
    'run',
    '-d',
    '--name',
    'counter',
    ...quiet,
    'app:1',
    'sh',
    '-c',
    'i=0; while :; do i=$((i+1)); echo $i >/count; done',
  )
  const file = join((await inspected('counter')).rootfs.folder, 'upper/count')
  const count = () => (existsSync(file) ? readFileSync(file, 'utf8') : '')
  await until(() => Number(count()) > 10)
  await host.done('pause', 'counter')
  t.is((await inspected('counter')).state.status, 'paused')
  const still = count()
  await sleep(300)
  t.is(count(), still)
  t.regex(
    (await host.lading('exec', 'counter', 'true')).stderr,
    /is paused, unpause the container before exec/,
  )
  t.regex((await host.lading('pause', 'counter')).stderr, /already paused/)
  await host.done('unpause', 'counter')
  await until(() => count() !== '' && count() !== still)
  await host.done('pause', 'counter')
  await host.done('stop', '-t', '1', 'counter')
  t.is((await inspected('counter')).state.status, 'exited', 'one that is paused can be stopped')
})

check(titled('stats: its numbers are those of the control group'), async t => {
  const hold = `v=$(head -c 20971520 /dev/zero | tr '\\0' x); sleep 60 & sleep 60 & wait`
  await host.done('run', '-d', '--name', 'still', ...quiet, '-m', '128m', 'app:1', 'sh', '-c', hold)
  await until(async () => (await groupFile('still', 'pids', 'pids.current')) === '3')
  const [stats] = JSON.parse(await host.done('stats', '--no-stream', '--json', 'still'))
  t.is(stats.processes, 3)
  t.is(stats.memoryLimit, 128 << 20)
  const usage = Number(await groupFile('still', 'memory', isOne ? 'memory.usage_in_bytes' : 'memory.current'))
  t.true(stats.memory > 20 << 20 && stats.memory <= usage, `${stats.memory} of ${usage}`)
  t.true(Math.abs(stats.memoryPercent - (100 * stats.memory) / stats.memoryLimit) < 0.01)
  t.true(stats.cpuPercent < 5, `${stats.cpuPercent} %`)
  t.deepEqual([stats.received, stats.sent], [0, 0])
  await host.done('rm', '-f', 'still')
})
