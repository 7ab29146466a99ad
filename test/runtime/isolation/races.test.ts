/**
 * Whoever writes in a container swaps files for links while lading works on them: each case LADING_RACES times, 1,000 by default.
 * The swapping programs do nothing else, some 100,000 times a second. Whether harm was done is seen on the host afterwards.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { copyFromContainer, copyIntoContainer } from '../../../src/runtime/container/copy.js'
import { findContainer } from '../../../src/runtime/container/find.js'
import { containersPlaces } from '../../../src/runtime/container/places.js'
import { readRunningFile } from '../../../src/runtime/container/running-files.js'
import { execSteps } from '../../../src/runtime/launcher/exec-steps.js'
import { archiveOf, busyboxEntries, imageOf, noBusybox } from '../../helpers/busybox-image.js'
import { isRoot, lading, run } from '../../helpers/programs.js'
import { preparedOf, settingsOf } from '../container-fixture.js'
import { type Ground, makeGround, runContainer, runProgram } from '../run-container.js'
import { endlessProgram, type ProbeCall, previous } from './probe-program.js'

const times = Number(process.env.LADING_RACES ?? 1000)

const missing =
  process.platform !== 'linux'
    ? 'not on Linux'
    : isRoot
      ? (noBusybox ?? (process.arch === 'x64' ? undefined : 'made for x86-64'))
      : 'containers with volumes need root'

const here = -100
const exchange = (a: string, b: string): readonly ProbeCall[] => [
  { call: 'renameat2', args: [here, a, here, b, 2] },
]
const move = (from: string, to: string): ProbeCall => ({
  call: 'renameat2',
  args: [here, from, here, to, 0],
})
const folder = (path: string): ProbeCall => ({ call: 'mkdirat', args: [here, path, 0o755] })
const file = (path: string, content: string): readonly ProbeCall[] => [
  { call: 'openat', args: [here, path, constants.O_WRONLY | constants.O_CREAT, 0o644] },
  { call: 'write', args: [previous, content, content.length] },
  { call: 'close_range', args: [3, 9, 0] },
]
const link = (target: string, path: string): ProbeCall => ({ call: 'symlinkat', args: [target, here, path] })

/** A folder of the host that nothing of a container may read or change. */
const makeVictim = (folder: string) => {
  const path = join(folder, 'victim')
  const secret = join(path, 'secret')
  mkdirSync(path)
  writeFileSync(secret, 'root:x:7:7:not for containers:/:/bin/sh\n', { mode: 0o600 })
  utimesSync(secret, 1e9, 1e9)
  chmodSync(path, 0o711)
  const look = () => {
    const [{ mode, uid, mtimeMs }, { mode: folderMode }] = [lstatSync(secret), lstatSync(path)]
    return [readdirSync(path).join(), readFileSync(secret, 'utf8'), mode, uid, mtimeMs, folderMode]
  }
  const before = look()
  return { path, secret, check: (t: ExecutionContext) => t.deepEqual(look(), before) }
}

const raced = (
  title: string,
  body: (t: ExecutionContext, ground: Ground, victim: ReturnType<typeof makeVictim>) => Promise<void>,
) =>
  (missing === undefined ? test.serial : test.serial.skip)(
    `races, ${times}: ${title}${missing === undefined ? '' : ` [skipped: ${missing}]`}`,
    async t => {
      const ground = makeGround()
      try {
        const victim = makeVictim(ground.folder)
        await body(t, ground, victim)
        victim.check(t)
      } finally {
        ground.remove()
      }
    },
  )

const startEndless = (folder: string, groups: readonly (readonly ProbeCall[])[]): ChildProcess => {
  const path = join(folder, 'endless')
  writeFileSync(path, endlessProgram(groups), { mode: 0o755 })
  return spawn(path, [], { stdio: 'ignore' })
}

raced(
  'a container starts while others swap the target of its mount and its WORKDIR in a volume (CVE-2021-30465, CVE-2024-21626)',
  async (t, ground, victim) => {
    const [volume, other] = [join(ground.folder, 'volume'), join(ground.folder, 'other')]
    mkdirSync(join(volume, 'aim'), { recursive: true })
    symlinkSync(victim.path, join(volume, 'link'))
    mkdirSync(other)
    // It leads to a folder of the container as well: the set-up goes on either way.
    mkdirSync(join(ground.tree, victim.path), { recursive: true })
    const bind = (source: string, target: string) => ({
      ...{ source, target, readonly: false, is: 'folder' as const },
    })
    const binds = [bind(volume, '/v'), bind(other, '/v/aim/deep')]
    const swapper = startEndless(ground.folder, [exchange(join(volume, 'aim'), join(volume, 'link'))])
    const seen = new Map<string, number>()
    try {
      for (let count = 0; count < times; count++) {
        const { stdout, failure } = await runContainer(
          ground,
          { process: { args: ['sh', '-c', 'pwd -P; cat secret deep/secret; touch x'], cwd: '/v/aim' } },
          { binds },
        )
        t.false(stdout.includes('not for containers'))
        const outcome = failure ? `${failure.step.replace(/\d+/g, '')}: ${failure.errno}` : stdout.trim()
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
      }
    } finally {
      swapper.kill('SIGKILL')
    }
    t.log(Object.fromEntries(seen))
    t.true(seen.has('/v/aim') && seen.has(victim.path), 'the race is one: it goes both ways')
    t.deepEqual(readdirSync(other), [])
    t.false(readFileSync('/proc/self/mountinfo', 'utf8').includes(ground.folder))
  },
)

/** A container of a store of its own, whose only program swaps. */
const withSwapping = async (
  ground: Ground,
  programs: { readonly first: readonly ProbeCall[]; readonly groups: readonly (readonly ProbeCall[])[] },
  use: (container: ReturnType<typeof findContainer>) => Promise<void>,
) => {
  const store = join(ground.folder, 'store')
  const archive = join(ground.folder, 'image.tar')
  const program = { name: 'swap', body: endlessProgram(programs.groups, programs.first), mode: 0o755 }
  writeFileSync(archive, await archiveOf({ 'bench/races:1': await imageOf([busyboxEntries(), [program]]) }))
  const own = (...args: string[]) => {
    const { status, stderr } = lading(['--store', store, ...args])
    if (status !== 0) throw new Error(`${args.join(' ')}: ${status} ${stderr}`)
  }
  own('load', '-i', archive)
  own('run', '-d', '--name', 'raced', '--network', 'none', '-v', 'shared:/v', 'bench/races:1', '/swap')
  try {
    await use(findContainer(containersPlaces(store), 'raced'))
  } finally {
    own('rm', '-f', 'raced')
  }
}

/** How often it ended in which way. */
const repeat = async (t: ExecutionContext, work: (count: number) => Promise<unknown>) => {
  const outcomes = new Map<string, number>()
  for (let count = 0; count < times; count++) {
    const outcome = await work(count).then(
      () => 'done',
      (error: Error & { code?: string }) => error.code ?? error.message,
    )
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
  }
  t.log(Object.fromEntries(outcomes))
  return outcomes
}

raced(
  'cp into a container that swaps the target, and the file before it is given away (CVE-2018-15664, CVE-2026-42306)',
  async (t, ground, victim) => {
    const source = join(ground.folder, 'file')
    writeFileSync(source, 'of the host\n')
    chmodSync(source, 0o4777)
    const draft = `/into/.lading-${process.pid}-file`
    const groups = [
      exchange('/work/aim', '/work/link'),
      // What is being made becomes a link to the victim; and again.
      [...exchange('/into/l', draft), link(victim.secret, '/into/new'), move('/into/new', '/into/l')],
      [...exchange('/into/l', '/into/file')],
      [link(victim.path, '/into/new'), move('/into/new', '/into/l')],
    ]
    const first = [
      ...['/work', '/work/aim', '/into'].map(folder),
      link(victim.path, '/work/link'),
      link(victim.secret, '/into/l'),
    ]
    await withSwapping(ground, { first, groups }, async container => {
      const outcomes = await repeat(t, () => copyIntoContainer(container, { source, path: '/work/aim/' }))
      t.true(outcomes.has('done') && outcomes.size > 1, 'the race is one: it goes both ways')
      await repeat(t, () => copyIntoContainer(container, { source, path: '/into' }))
      victim.check(t)
    })
  },
)

raced(
  'cp out of a container and its volume that swap the source (CVE-2018-15664, CVE-2019-14271)',
  async (t, ground, victim) => {
    const groups = ['/work', '/v'].flatMap(folder => [
      exchange(`${folder}/aim`, `${folder}/link`),
      exchange(`${folder}/deep/aim`, `${folder}/deep/link`),
    ])
    const first = ['/work', '/v'].flatMap(top => [
      ...['', '/aim', '/deep', '/deep/aim'].map(path => folder(`${top}${path}`)),
      ...['/aim', '/deep/aim'].flatMap(path => file(`${top}${path}/secret`, 'of the container\n')),
      ...['/link', '/deep/link'].map(path => link(victim.path, `${top}${path}`)),
    ])
    await withSwapping(ground, { first, groups }, async container => {
      const out = join(ground.folder, 'out')
      mkdirSync(out)
      const paths = ['/work/aim', '/v/deep', '/v/aim/secret', '/work/deep/aim/secret']
      const outcomes = await repeat(t, async count => {
        await copyFromContainer(container, {
          ...{ path: paths[count % paths.length]!, destination: join(out, `${count}`) },
        })
      })
      t.true(outcomes.has('done') && outcomes.size > 1, 'the race is one')
      // Links are copied as links, and grep follows none.
      const found = run('sh', ['-c', 'grep -rlE "not for containers" "$1"; true', 'sh', out])
      t.is(found, '')
      t.regex(run('sh', ['-c', 'grep -rhE . "$1" | sort | uniq', 'sh', out]), /^of the container\n$/)
    })
  },
)

/** Numbers that the processes of all execs have in their container. */
const pids = Array.from({ length: times + 20 }, (_, index) => index + 2)

raced(
  'exec while the container traces, reads and overwrites what enters it, and swaps its program and WORKDIR (CVE-2016-9962, CVE-2019-5736, CVE-2024-21626)',
  async (t, ground, victim) => {
    const seen = new Uint8Array(100)
    const tell: readonly ProbeCall[] = [
      { call: 'write', args: [1, seen, previous] },
      { call: 'write', args: [1, '\n', 1] },
    ]
    const attacks = pids.flatMap((pid): readonly (readonly ProbeCall[])[] => [
      [
        { call: 'ptrace', args: [/* PTRACE_SEIZE */ 0x4206, pid, 0, 0] },
        { call: 'readlinkat', args: [here, `/proc/${pid}/exe`, seen, 100] },
        ...tell,
      ],
      // Neither the orders of lading nor anything else of the host is open in what the program has become.
      ...[3, 4, 5].map(fd => [
        { call: 'readlinkat', args: [here, `/proc/${pid}/fd/${fd}`, seen, 100] },
        ...tell,
      ]),
    ])
    // Whoever is traced is reaped by its tracer first.
    const reap: readonly ProbeCall[] = [{ call: 'wait4', args: [-1, 0, 0x4000_0001, 0] }]
    const overwrite = pids.map((pid): readonly ProbeCall[] => [
      { call: 'openat', args: [here, `/proc/${pid}/exe`, 0, 0] },
      { call: 'dup3', args: [previous, 100, 0] },
      { call: 'close_range', args: [3, 99, 0] },
      { call: 'openat', args: [here, '/proc/self/fd/100', 1, 0] },
      { call: 'write', args: [previous, 'x', 1] },
      { call: 'close_range', args: [3, 100, 0] },
    ])
    const programs = {
      trace: endlessProgram([reap, ...attacks]),
      overwrite: endlessProgram(overwrite),
      swap: endlessProgram([exchange('/bin/aim', '/bin/again'), exchange('/work/aim', '/work/link')]),
    }
    for (const [name, bytes] of Object.entries(programs))
      writeFileSync(join(ground.tree, 'bin', name), bytes, { mode: 0o755 })
    copyFileSync(join(ground.tree, 'bin/busybox'), join(ground.tree, 'bin/aim'))
    writeFileSync(join(ground.tree, 'bin/again'), '#!/proc/self/exe\n', { mode: 0o755 })
    mkdirSync(join(ground.tree, 'work/aim'), { recursive: true })
    symlinkSync(victim.path, join(ground.tree, 'work/link'))
    const ours = [process.execPath, 'bin/lading.js', 'dist/lading.cjs']
    const sums = () => run('sha256sum', ours)
    const before = sums()

    const { machine, user, limits, capabilities } = preparedOf({ tree: ground.tree, mountPoint: '/' })
    const ends = new Map<string, number>()
    const container = await runContainer(
      ground,
      { process: { args: ['sh', '-c', 'trace & overwrite & exec swap'] } },
      {},
      {
        started: async pid => {
          const program = execSteps(
            settingsOf({ process: { args: ['/bin/aim', 'cat', 'secret'], cwd: '/work/aim' } }).process,
            {
              ...{ machine, user, limits, capabilities, pid, detached: false, rootless: false },
              cgroup: { version: 'none' },
            },
          )
          for (let count = 0; count < times; count++) {
            const { status, failure, stdout } = await runProgram(program, ground)
            t.false(stdout.includes('not for containers'))
            const end = failure ? `${failure.step}: ${failure.errno}` : `${status}`
            ends.set(end, (ends.get(end) ?? 0) + 1)
          }
          process.kill(pid, 'SIGKILL')
        },
      },
    )
    t.log(Object.fromEntries(ends))
    t.true(ends.size > 1, 'the race is one')
    // What is told is of programs of the container's own.
    const told = new Set(container.stdout.split('\n').filter(line => line !== ''))
    t.log([...told])
    for (const line of told) t.regex(line, /^\/bin\//)
    t.is(sums(), before)
  },
)

raced(
  'exec reads /etc/passwd while the container swaps it for links, a FIFO and a device (CVE-2024-9676)',
  async (t, ground, victim) => {
    const etc = join(ground.tree, 'etc')
    symlinkSync(victim.secret, join(etc, 'out'))
    symlinkSync(`/proc/1/root/../..${victim.secret}`, join(etc, 'door'))
    run('mkfifo', [join(etc, 'fifo')])
    // Its first bytes are zeros: what is read of it is told by them.
    run('mknod', [join(etc, 'device'), 'c', '1', '5'])
    const swap = endlessProgram(
      ['out', 'door', 'fifo', 'device'].map(name => exchange('/etc/passwd', `/etc/${name}`)),
    )
    writeFileSync(join(ground.tree, 'bin/swap'), swap, { mode: 0o755 })
    const found = new Map<string, number>()
    await runContainer(
      ground,
      { process: { args: ['swap'] } },
      {},
      {
        started: async pid => {
          const read = readRunningFile(pid, join(ground.folder, 'launch'))
          for (let count = 0; count < times; count++) {
            const text = Buffer.from((await read('/etc/passwd')) ?? []).toString()
            found.set(text, (found.get(text) ?? 0) + 1)
          }
          process.kill(pid, 'SIGKILL')
        },
      },
    )
    const own = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n'
    t.log([...found.values()])
    t.deepEqual([...found.keys()].sort(), ['', own])
  },
)
