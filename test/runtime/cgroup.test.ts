import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import type { ControlGroup, ControlGroups } from '../../src/runtime/cgroup/control-group.js'
import { type GroupMounts, readGroupMounts } from '../../src/runtime/cgroup/group-mounts.js'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { limitFilesV1, limitFilesV2 } from '../../src/runtime/cgroup/limits.js'
import { deviceLine } from '../../src/runtime/cgroup/v1.js'
import { versionTwo } from '../../src/runtime/cgroup/v2.js'
import { LadingError } from '../../src/spec/errors.js'
import { isRoot } from '../helpers/programs.js'

const mounts: GroupMounts =
  process.platform === 'linux'
    ? readGroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
    : { hierarchies: [] }

const versions: readonly { name: string; groups: () => ControlGroups; missing: string | undefined }[] = [
  {
    name: 'version 1',
    groups: hostControlGroups,
    missing: !isRoot ? 'not root' : mounts.hierarchies.length === 0 ? 'not mounted' : undefined,
  },
  {
    name: 'version 2',
    groups: () => versionTwo(mounts.unified!),
    missing: !isRoot ? 'not root' : mounts.unified === undefined ? 'not mounted' : undefined,
  },
]

let count = 0
const newId = (): string => `test-${process.pid}-${++count}`

const enter = (group: ControlGroup, pid: number): void => {
  const { entry } = group
  const folders = entry.version === 1 ? entry.folders : entry.version === 2 ? [entry.folder] : []
  for (const folder of folders) writeFileSync(join(folder, 'cgroup.procs'), String(pid))
}

/** A shell that runs `script` once it is in the group. */
const runIn = (group: ControlGroup, script: string): { child: ChildProcess; output: Promise<string> } => {
  const child = spawn('sh', ['-c', `read go; ${script}`], { stdio: ['pipe', 'pipe', 'ignore'] })
  enter(group, child.pid!)
  child.stdin.end('go\n')
  let text = ''
  child.stdout.on('data', data => {
    text += data
  })
  return { child, output: new Promise(resolve => child.on('close', () => resolve(text))) }
}

/** It is so within ten seconds: other tests run meanwhile. */
const until = async (ask: () => Promise<boolean>): Promise<void> => {
  for (let tries = 0; tries < 200; tries++) {
    if (await ask()) return
    await pause(50)
  }
  throw new Error('It never was so')
}

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    error => (error instanceof LadingError ? error.code : String(error)),
  )

for (const { name, groups, missing } of versions) {
  const when = missing === undefined ? test : test.skip
  const why = missing === undefined ? '' : ` [skipped: ${missing}]`
  const withGroup = async (
    options: Parameters<ControlGroups['make']>[1],
    use: (group: ControlGroup) => Promise<void>,
  ) => {
    const group = await groups().make(newId(), options)
    try {
      await use(group)
    } finally {
      await group.killAll()
      await group.remove()
    }
  }
  const unlimited = { resources: {}, anyDevice: false }

  when(
    `ControlGroups.make, list and remove of ${name}: a group is there, once, and then gone${why}`,
    async t => {
      const id = newId()
      const group = await groups().make(id, unlimited)
      t.true((await groups().list()).includes(id))
      t.is(await codeOf(groups().make(id, unlimited)), 'LOCKED')
      t.true((await groups().list()).includes(id), 'the failed attempt took nothing away')
      await group.remove()
      await group.remove()
      t.false((await groups().list()).includes(id))
    },
  )

  when(`ControlGroup.freeze and thaw of ${name}: processes stand still, and go on${why}`, t =>
    withGroup(unlimited, async group => {
      const { child } = runIn(group, 'while :; do :; done')
      t.deepEqual(await group.processes(), [child.pid!])
      await group.freeze()
      t.true(await group.frozen())
      const ticks = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(' ')[13]
      const before = ticks()
      await pause(100)
      t.is(ticks(), before)
      await group.thaw()
      t.false(await group.frozen())
      await t.notThrowsAsync(until(async () => ticks() !== before))
    }),
  )

  when(`ControlGroup.killAll of ${name} ends frozen processes and those that fork without end${why}`, t =>
    withGroup(unlimited, async group => {
      runIn(group, 'forks() { sleep 100 & sleep 0.001; }; while :; do forks; done')
      await pause(200)
      await group.freeze()
      await group.killAll()
      t.deepEqual(await group.processes(), [])
    }),
  )

  when(`ControlGroup.remove of ${name} says which processes keep it${why}`, t =>
    withGroup(unlimited, async group => {
      const { child } = runIn(group, 'sleep 100')
      const error = await t.throwsAsync(group.remove(), { instanceOf: LadingError })
      t.regex(error.message, new RegExp(`it still has processes \\(.*${child.pid}`))
    }),
  )

  when(`ControlGroups.make of ${name} refuses names that are paths${why}`, async t => {
    for (const id of ['../x', '', '.', 'a/b', '-x']) t.is(await codeOf(groups().make(id, unlimited)), 'USAGE')
  })
}

const { missing, groups } = versions[0]!
const when = missing === undefined ? test : test.skip
const why = missing === undefined ? '' : ` [skipped: ${missing}]`

when(`ControlGroup limits of version 1 are in the kernel's files as Docker writes them${why}`, async t => {
  const resources = {
    ...{ memory: 33_554_432, nanoCpus: 500_000_000, cpuShares: 512, cpusetCpus: '0', pids: 20 },
  }
  const group = await groups().make(newId(), { resources, anyDevice: false })
  const folderOf = (controller: string) =>
    mounts.hierarchies.find(({ options }) => options.includes(controller))!.folder
  const read = (controller: string, file: string) =>
    readFileSync(join(folderOf(controller), 'lading', group.id, file), 'utf8').trim()
  t.is(read('memory', 'memory.limit_in_bytes'), '33554432')
  if (existsSync(join(folderOf('memory'), 'memory.memsw.limit_in_bytes')))
    t.is(read('memory', 'memory.memsw.limit_in_bytes'), '67108864')
  t.is(read('cpu', 'cpu.cfs_quota_us'), '50000')
  t.is(read('cpu', 'cpu.cfs_period_us'), '100000')
  t.is(read('cpu', 'cpu.shares'), '512')
  t.is(read('cpuset', 'cpuset.cpus'), '0')
  t.is(read('pids', 'pids.max'), '20')
  t.deepEqual(
    read('devices', 'devices.list').split('\n').sort(),
    [
      ...['b *:* m', 'c *:* m', 'c 1:3 rwm', 'c 1:5 rwm', 'c 1:7 rwm', 'c 1:8 rwm', 'c 1:9 rwm'],
      ...['c 136:* rwm', 'c 5:0 rwm', 'c 5:1 rwm', 'c 5:2 rwm'],
    ].sort(),
  )
  t.is((await group.stats()).memoryLimit, 33_554_432)
  await group.remove()
})

when(
  `ControlGroup.memoryKills counts what the kernel killed, and the limit of processes holds${why}`,
  async t => {
    const resources = { memory: 16 << 20, memorySwap: 16 << 20, pids: 8 }
    const group = await groups().make(newId(), { resources, anyDevice: false })
    t.is(await group.memoryKills(), 0)
    const eater = runIn(group, 'exec node -e "Buffer.alloc(1 << 28, 1)"')
    await eater.output
    t.is(eater.child.signalCode, 'SIGKILL')
    t.is(await group.memoryKills(), 1)
    const forker = runIn(group, 'for i in 1 2 3 4 5 6 7 8 9; do sleep 100 >&- & done; echo never')
    t.is(await forker.output.then(text => text.includes('never')), false)
    await group.killAll()
    await group.remove()
  },
)

when(`ControlGroup.stats tells memory, processor time and processes${why}`, async t => {
  const group = await groups().make(newId(), { resources: {}, anyDevice: false })
  try {
    runIn(group, 'text=$(head -c 4000000 /dev/zero | tr "\\0" x); while :; do :; done')
    await t.notThrowsAsync(
      until(async () => {
        const { cpu, memory, processes } = await group.stats()
        return cpu > 20_000_000 && memory > 4_000_000 && processes === 1
      }),
    )
    t.false('memoryLimit' in (await group.stats()))
  } finally {
    await group.killAll()
    await group.remove()
  }
})

when(`ControlGroups.make leaves nothing when a limit is refused${why}`, async t => {
  const id = newId()
  const made = groups().make(id, { resources: { cpusetCpus: '4095' }, anyDevice: false })
  await t.throwsAsync(made, { message: /^Cannot set cpuset\.cpus of test-.*: 4095: E/ })
  t.false((await groups().list()).includes(id))
})

test('hostControlGroups says to an ordinary user why there are no limits', t => {
  t.throws(() => hostControlGroups({ rootless: true }), {
    message: /^An ordinary user has no control groups here, and so no limits/,
  })
})

test('limitFilesV1 and limitFilesV2 say the same limits in the words of each version', t => {
  const resources = {
    ...{ memory: 1 << 30, memorySwap: 3 << 29, nanoCpus: 1_500_000_000, cpuShares: 1024, pids: 9 },
  }
  const words = (files: ReturnType<typeof limitFilesV1>) => files.map(({ file, value }) => `${file}=${value}`)
  t.deepEqual(words(limitFilesV1(resources)), [
    'memory.limit_in_bytes=1073741824',
    'memory.memsw.limit_in_bytes=1610612736',
    'cpu.cfs_period_us=100000',
    'cpu.cfs_quota_us=150000',
    'cpu.shares=1024',
    'pids.max=9',
  ])
  t.deepEqual(words(limitFilesV2(resources)), [
    'memory.max=1073741824',
    'memory.swap.max=536870912',
    'cpu.max=150000 100000',
    'cpu.weight=39',
    'pids.max=9',
  ])
  t.deepEqual(words(limitFilesV2({ memory: 1 << 20, memorySwap: -1 })), [
    'memory.max=1048576',
    'memory.swap.max=max',
  ])
  t.deepEqual([...limitFilesV1({ pids: -1 }), ...limitFilesV2({ pids: 0, memory: 0 })], [])
})

test('readGroupMounts reads hierarchies of several controllers, names and escaped folders', t => {
  const text = [
    '33 32 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct',
    '34 32 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
    '35 32 0:31 / /a\\040place rw shared:9 - cgroup2 cgroup2 rw,nsdelegate',
    '36 32 0:29 / /elsewhere rw - cgroup cgroup rw,cpu,cpuacct',
    '37 32 0:32 / /tmp rw - tmpfs tmpfs rw',
  ].join('\n')
  t.deepEqual(readGroupMounts(text), {
    hierarchies: [
      { folder: '/sys/fs/cgroup/cpu,cpuacct', options: ['cpu', 'cpuacct'] },
      { folder: '/sys/fs/cgroup/systemd', options: ['name=systemd'] },
    ],
    unified: '/a place',
  })
})

test('deviceLine writes rules as devices.allow reads them', t => {
  t.is(deviceLine({ type: 'character', major: 136, access: 'rwm' }), 'c 136:* rwm')
  t.is(deviceLine({ type: 'block', access: 'm' }), 'b *:* m')
})
