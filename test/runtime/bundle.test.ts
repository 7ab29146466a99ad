import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { bundleConfig } from '../../src/runtime/bundle/config.js'
import { bundleSteps } from '../../src/runtime/bundle/run-steps.js'
import { findRuntime, refusalOf } from '../../src/runtime/bundle/runtimes.js'
import { limitsOf } from '../../src/runtime/launcher/rlimits.js'
import type { ContainerSettings } from '../../src/runtime/settings.js'
import { has } from '../helpers/programs.js'
import { preparedOf, settingsOf } from './container-fixture.js'
import { type ContainerRun, makeGround, missingForContainers, runProgram, runShell } from './run-container.js'

const missing = missingForContainers ?? (has('runc') ? undefined : 'runc is not installed')
const when = missing === undefined ? test : test.skip
const why = missing === undefined ? '' : ` [skipped: ${missing}]`

const plain = { tree: '/tree', mountPoint: '/bundle/rootfs' }

test('bundleConfig says the same isolation as docker hands to runc', t => {
  const config = bundleConfig(settingsOf(), preparedOf(plain, { machine: 'x86-64' }), { rootfs: 'rootfs' })
  t.deepEqual(config.linux.namespaces.map(({ type }) => type).sort(), [
    'cgroup',
    'ipc',
    'mount',
    'network',
    'pid',
    'uts',
  ])
  t.is(config.process.capabilities.bounding.length, 14)
  t.deepEqual(config.process.capabilities.effective, config.process.capabilities.bounding)
  t.true(config.process.noNewPrivileges)
  t.true(config.linux.maskedPaths.includes('/proc/kcore'))
  t.true(config.linux.readonlyPaths.includes('/proc/sys'))
  t.deepEqual(config.linux.resources.devices[0], { allow: false, access: 'rwm' })
  t.is(config.linux.seccomp!.defaultAction, 'SCMP_ACT_ERRNO')
  const clone = config.linux.seccomp!.syscalls.find(({ names }) => names.includes('clone'))
  t.deepEqual(clone?.args, [{ index: 0, value: 0x7e02_0000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }])
})

test('bundleConfig gives a user who is not root no capabilities', t => {
  const user = { uid: 1000, gid: 1000, groups: [1000], home: '/' }
  const { capabilities } = bundleConfig(settingsOf(), preparedOf(plain, { user }), {
    rootfs: 'rootfs',
  }).process
  t.deepEqual([capabilities.bounding.length, capabilities.effective, capabilities.permitted], [14, [], []])
})

test('bundleConfig puts mounts in the order of their depth, after those of the kernel', t => {
  const prepared = preparedOf(plain, {
    binds: [{ source: '/s', target: '/etc/a', readonly: true, is: 'folder' }],
    files: [{ source: '/h', target: '/etc/hosts' }],
  })
  const settings = settingsOf({ mounts: [{ type: 'tmpfs', target: '/etc', options: 'size=1m,exec' }] })
  const { mounts } = bundleConfig(settings, prepared, { rootfs: 'rootfs' })
  t.deepEqual(
    mounts.slice(7).map(({ destination, options }) => [destination, options.join()]),
    [
      ['/etc', 'nosuid,nodev,size=1m'],
      ['/etc/a', 'rbind,rprivate,ro'],
      ['/etc/hosts', 'rbind,rprivate'],
    ],
  )
})

test('bundleConfig joins a network that was made before, and leaves its sysctls alone', t => {
  const joined = bundleConfig(settingsOf(), preparedOf(plain), { rootfs: 'r', network: '/proc/1/ns/net' })
  t.deepEqual(joined.linux.namespaces.at(-1), { type: 'network', path: '/proc/1/ns/net' })
  t.false('sysctl' in joined.linux)
  const host = bundleConfig(settingsOf({ network: { mode: 'host', ports: [] } }), preparedOf(plain), {
    rootfs: 'r',
  })
  t.false(host.linux.namespaces.some(({ type }) => type === 'network'))
})

test('bundleConfig refuses what only the launcher does', t => {
  t.throws(() => bundleConfig(settingsOf({ process: { init: true } }), preparedOf(plain), { rootfs: 'r' }), {
    message: /^A bundle cannot have an init/,
  })
})

test('refusalOf knows that crun does not work where both versions of control groups are', t => {
  const hybrid = { hierarchies: [{ folder: '/x', options: ['memory'] }], unified: '/sys/fs/cgroup/unified' }
  const some = () => true
  t.regex(refusalOf('crun', hybrid, some)!, /^crun refuses hosts with control groups of both versions/)
  t.is(
    refusalOf('crun', hybrid, () => false),
    undefined,
  )
  t.is(refusalOf('crun', { hierarchies: [], unified: '/sys/fs/cgroup' }, some), undefined)
  t.is(refusalOf('runc', hybrid, some), undefined)
})

const runBundle = async (
  settings: ContainerSettings,
  use: (run: ContainerRun, folder: string) => void,
): Promise<void> => {
  const ground = makeGround()
  try {
    const bundle = join(ground.folder, 'bundle')
    mkdirSync(join(bundle, 'rootfs'), { recursive: true })
    const prepared = preparedOf(
      { tree: ground.tree, mountPoint: join(bundle, 'rootfs') },
      {
        limits: limitsOf([{ name: 'nofile', soft: 77, hard: 99 }], {
          limits: readFileSync('/proc/self/limits', 'utf8'),
          mayRaise: false,
        }),
      },
    )
    writeFileSync(
      join(bundle, 'config.json'),
      JSON.stringify(bundleConfig(settings, prepared, { rootfs: 'rootfs' })),
    )
    const run = await runProgram(
      bundleSteps(prepared, {
        runtime: findRuntime('runc'),
        state: join(ground.folder, 'state'),
        bundle,
        id: settings.id,
        pidFile: join(ground.folder, 'pid'),
        env: [`PATH=${process.env.PATH}`],
      }),
      ground,
    )
    use(run, ground.folder)
  } finally {
    ground.remove()
  }
}

let count = 0
const withShell = (script: string): ContainerSettings =>
  settingsOf({
    id: `test-bundle-${process.pid}-${++count}`,
    process: { args: ['sh', '-c', script] },
    resources: { pids: 50, memory: 64 << 20 },
  })

when(`bundleSteps: runc runs the bundle, and its end is the program's${why}`, async t => {
  await runBundle(settingsOf({ id: `test-bundle-${process.pid}`, process: { args: ['true'] } }), run => {
    t.is(run.stderr, '')
    t.is(run.status, 0)
  })
  await runBundle(withShell('echo out; echo err >&2; exit 42'), (run, folder) => {
    t.deepEqual([run.status, run.stdout, run.stderr], [42, 'out\n', 'err\n'])
    t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(folder), 'nothing stays mounted')
  })
})

when(`bundleConfig and containerSteps isolate alike, as seen from inside${why}`, async t => {
  const look = `grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status; hostname; id; umask; pwd; echo $$
    ls /dev; ls /proc/self/fd; ls /sys/class/net; cat /proc/sys/net/ipv4/ip_unprivileged_port_start
    for f in /proc/keys /proc/timer_list /proc/interrupts; do wc -c < $f; done; ls /sys/firmware /proc/acpi
    touch /proc/sys/kernel/x /sys/x /proc/irq/x /sys/fs/cgroup/x 2>&1; unshare -U true 2>&1; ulimit -n
    mount | sed 's/ on / /; s/ type / /' | grep -v ' / ' | cut -d' ' -f2,3 | sort`
  const limits = limitsOf([{ name: 'nofile', soft: 77, hard: 99 }], {
    limits: readFileSync('/proc/self/limits', 'utf8'),
    mayRaise: false,
  })
  const ground = makeGround()
  const ours = await runShell(ground, look, {}, { limits })
  ground.remove()
  await runBundle(withShell(look), run => {
    const lines = (text: string) =>
      text.split('\n').filter(line => !/cgroup/.test(line) && line !== '/dev/core' && line !== 'core')
    t.is(run.stderr, ours.stderr)
    t.deepEqual(lines(run.stdout), lines(ours.stdout))
  })
})
