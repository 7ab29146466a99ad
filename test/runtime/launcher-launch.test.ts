import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { errnoName } from '../../src/runtime/launcher/errno.js'
import { explain } from '../../src/runtime/launcher/explain.js'
import { type Launched, launch } from '../../src/runtime/launcher/launch.js'
import type { CallStep, Program, Value } from '../../src/runtime/launcher/program.js'
import { firstDescriptor, runOnce } from '../../src/runtime/launcher/run-once.js'
import { attempt, isRoot } from '../helpers/programs.js'

const able = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch)
const suffix = able ? '' : ' [skipped: not Linux on x86-64 or arm64]'
const when = able ? test : test.skip

const call = (
  name: string,
  call: string,
  args: readonly Value[],
  rest: Partial<Omit<CallStep, 'kind' | 'call' | 'args'>> = {},
): CallStep => ({ kind: 'call', name, call, args, ...rest })
const exit = (status: number) => ({ kind: 'exit', status }) as const
const order = new Uint8Array(8)
const awaitOrder = call('wait for an order', 'read', [3, order, 8], { save: { slot: 0 } })
const echo: Program = [awaitOrder, call('tell the order', 'write', [4, order, 8])]

/** A folder for launchers, empty again when the test ends. */
const scratch = (t: { teardown(fn: () => void): void; is(a: unknown, b: unknown): void }): string => {
  const folder = mkdtempSync(join(tmpdir(), 'lading-launch-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}
const silent = ['ignore', 'ignore', 'inherit'] as const
const ended = async ({ child }: Launched): Promise<number | NodeJS.Signals> => {
  const [status, signal] =
    child.exitCode === null && child.signalCode === null
      ? await once(child, 'exit')
      : [child.exitCode, child.signalCode]
  return signal ?? status
}
const all = async (reports: AsyncIterable<number>): Promise<number[]> => {
  const found: number[] = []
  for await (const report of reports) found.push(report)
  return found
}

when(`launch: orders reach descriptor 3, reports come from descriptor 4${suffix}`, async t => {
  const launched = await launch([...echo, ...echo], { stdio: silent, folder: scratch(t) })
  launched.order(Buffer.from(new BigInt64Array([77n]).buffer))
  for await (const report of launched.reports) {
    t.is(report, 77)
    break
  }
  launched.order(Buffer.from(new BigInt64Array([-5n]).buffer))
  t.deepEqual(await all(launched.reports), [-5])
  t.is(await launched.failure, undefined)
  t.is(await ended(launched), 0)
})

when(`launch: closeOrders is the end of what a step reads${suffix}`, async t => {
  const program = [awaitOrder, call('tell', 'write', [4, { addressOf: { slot: 0 } }, 8])]
  const launched = await launch(program, { stdio: silent, folder: scratch(t) })
  launched.closeOrders()
  t.deepEqual(await all(launched.reports), [0])
})

when(`launch: the file is gone once the program runs, which is for its owner alone${suffix}`, async t => {
  const folder = scratch(t)
  const launched = await launch(echo, { stdio: silent, folder })
  t.deepEqual(readdirSync(folder), [])
  t.regex(readlinkSync(`/proc/${launched.child.pid}/exe`), / \(deleted\)$/)
  launched.closeOrders()
  t.is(await ended(launched), 0)
})

when(`launch: the program has no environment, and is in /${suffix}`, async t => {
  const launched = await launch(echo, { stdio: silent, folder: scratch(t) })
  const environment = readFileSync(`/proc/${launched.child.pid}/environ`, 'utf8')
  // Node hands this one on, whatever it is told.
  t.is(environment.replace(/NODE_V8_COVERAGE=[^\0]*\0/, ''), '')
  t.is(readlinkSync(`/proc/${launched.child.pid}/cwd`), '/')
  launched.closeOrders()
  t.is(await ended(launched), 0)
})

when(`launch: no page of a running program can be both written and run${suffix}`, async t => {
  const launched = await launch(echo, { stdio: silent, folder: scratch(t) })
  const maps = readFileSync(`/proc/${launched.child.pid}/maps`, 'utf8').trim().split('\n')
  t.deepEqual(
    maps.filter(line => / .w.?x/.test(line)),
    [],
  )
  t.true(maps.some(line => / r-xp .*launcher-/.test(line)))
  launched.closeOrders()
  t.is(await ended(launched), 0)
})

when(`launch: a failing step is told by its name and its error${suffix}`, async t => {
  const launched = await launch(
    [call('mount proc on /no/where', 'mount', ['proc', '/no/where', 'proc', 0, 0])],
    {
      stdio: silent,
      folder: scratch(t),
    },
  )
  t.deepEqual(await launched.failure, { step: 'mount proc on /no/where', errno: isRoot ? 'ENOENT' : 'EPERM' })
  t.deepEqual(await all(launched.reports), [])
  t.is(await ended(launched), 125)
})

when(`launch: pipes of its own reach the program, and detached is a session of its own${suffix}`, async t => {
  const buffer = new Uint8Array(5)
  const launched = await launch(
    [
      call('read', 'read', [0, buffer, 5]),
      call('write', 'write', [1, buffer, 5]),
      call('setsid', 'setsid', [], { onError: 'ignore', save: { slot: 1 } }),
      call('tell', 'write', [4, { addressOf: { slot: 1 } }, 8]),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'], folder: scratch(t), detached: true },
  )
  launched.child.stdin!.end('hello')
  t.is(await text(launched.child.stdout!), 'hello')
  // EPERM: it leads a session already.
  t.deepEqual(await all(launched.reports), [-1])
})

when(`launch: a program that ends without reading what it is told harms nobody${suffix}`, async t => {
  const folder = scratch(t)
  for (let round = 0; round < 10; round++) {
    const launched = await launch([exit(3)], { stdio: ['pipe', 'pipe', 'inherit'], folder })
    launched.child.stdin!.write(Buffer.alloc(1 << 20))
    launched.order(Buffer.alloc(1 << 20))
    t.is(await ended(launched), 3)
    launched.order(Buffer.alloc(1 << 20))
    launched.closeOrders()
    launched.order(Buffer.alloc(8))
    t.is(await launched.failure, undefined)
    t.deepEqual(await all(launched.reports), [])
  }
})

when(`launch: a killed program has no failure, and its reports end${suffix}`, async t => {
  const launched = await launch(echo, { stdio: silent, folder: scratch(t) })
  launched.child.kill('SIGKILL')
  t.is(await launched.failure, undefined)
  t.is(await ended(launched), 'SIGKILL')
})

when(`launch: many at once get files and pipes of their own${suffix}`, async t => {
  const folder = scratch(t)
  const numbers = [...Array(20).keys()]
  const launched = await Promise.all(numbers.map(() => launch(echo, { stdio: silent, folder })))
  launched.forEach((each, index) => {
    each.order(Buffer.from(new BigInt64Array([BigInt(index)]).buffer))
  })
  t.deepEqual(await Promise.all(launched.map(async each => (await all(each.reports))[0])), numbers)
  t.deepEqual(readdirSync(folder), [])
})

when(`launch and runOnce: a folder that is not there is told by its name${suffix}`, async t => {
  const folder = join(scratch(t), 'missing')
  const wanted = { code: 'NOT_FOUND', message: `Cannot write the launcher: ENOENT in "${folder}"` }
  t.like(await t.throwsAsync(launch([exit(0)], { stdio: silent, folder })), wanted)
  t.like(
    t.throws(() => runOnce([exit(0)], { action: 'Cannot x', folder })),
    wanted,
  )
})

const noMount = able && isRoot ? '' : ' [skipped: only root may mount]'
;(noMount ? test.skip : test)(
  `launch and runOnce: a folder mounted noexec is told as such${noMount}`,
  async t => {
    const folder = scratch(t)
    t.is(attempt('mount', ['-t', 'tmpfs', '-o', 'noexec,size=1m', 'lading-noexec', folder]).status, 0)
    try {
      const wanted = { code: 'UNSUPPORTED' }
      const message = /^Cannot run a launcher in ".*": the folder is mounted noexec/
      const error = await t.throwsAsync(launch([exit(0)], { stdio: silent, folder }), { message })
      t.like(error, wanted)
      t.like(
        t.throws(() => runOnce([exit(0)], { action: 'Cannot x', folder }), { message }),
        wanted,
      )
      t.deepEqual(readdirSync(folder), [])
    } finally {
      attempt('umount', [folder])
    }
  },
)

when(`runOnce: gives what was written, what was reported and the status${suffix}`, t => {
  const buffer = new Uint8Array(5)
  const program: Program = [
    call('read', 'read', [0, buffer, 5], { save: { slot: 0 } }),
    call('write', 'write', [1, buffer, { slot: 0 }]),
    call('tell', 'write', [4, { addressOf: { slot: 0 } }, 8]),
    exit(9),
  ]
  const folder = scratch(t)
  const outcome = runOnce(program, { action: 'Cannot echo', folder, input: Buffer.from('abc') })
  t.deepEqual(outcome, { stdout: Buffer.from('abc'), reports: [3], status: 9 })
  t.deepEqual(runOnce(program, { action: 'Cannot echo', folder }).reports, [0])
  t.deepEqual(readdirSync(folder), [])
})

when(`runOnce: hands descriptors of this process to the program${suffix}`, t => {
  const folder = scratch(t)
  writeFileSync(join(folder, 'a'), 'from a')
  const [a, b] = [openSync(join(folder, 'a'), 'r'), openSync(join(folder, 'b'), 'w')]
  try {
    const buffer = new Uint8Array(6)
    const program = [
      call('read', 'read', [0, buffer, 6]),
      call('write', 'write', [firstDescriptor, buffer, 6]),
    ]
    runOnce(program, { action: 'Cannot copy', folder, input: a, descriptors: [b] })
    t.is(readFileSync(join(folder, 'b'), 'utf8'), 'from a')
  } finally {
    closeSync(a)
    closeSync(b)
  }
})

when(
  `runOnce: throws a failing step with its error as data, and says 128 + signal of a killed one${suffix}`,
  t => {
    const folder = scratch(t)
    const error = t.throws(() =>
      runOnce([call('change to /no', 'chdir', ['/no'])], { action: 'Cannot do it', folder }),
    )
    t.like(error, {
      code: 'UNSUPPORTED',
      message: 'Cannot do it: change to /no: ENOENT',
      data: { step: 'change to /no', errno: 'ENOENT' },
    })
    const kill = [call('who', 'getpid', [], { save: { slot: 0 } }), call('kill', 'kill', [{ slot: 0 }, 9])]
    t.is(runOnce(kill, { action: 'Cannot do it', folder }).status, 137)
    t.false(existsSync(join(folder, 'launcher')))
  },
)

when(`runOnce: a program that does not read its input ends as it says${suffix}`, t => {
  const options = { action: 'Cannot do it', folder: scratch(t), input: Buffer.alloc(1 << 20) }
  t.is(runOnce([exit(4)], options).status, 4)
})

test('errnoName: says the usual name of a number, and the number of one that has none', t => {
  t.deepEqual([1, 11, 95, 117].map(errnoName), ['EPERM', 'EAGAIN', 'EOPNOTSUPP', 'EUCLEAN'])
  t.is(errnoName(4000), 'errno 4000')
})

test('explain: prints every kind of step and value on a numbered line', t => {
  const slot = (slot: number) => ({ slot })
  const program: Program = [
    call('mount proc on /proc', 'mount', ['proc', '/proc', 'proc', 14, 0]),
    call('open "it"', 'openat', [-100, 'a"b\\c\u001b[2J', 0o2000000, 0n], {
      save: slot(3),
      onError: 'ignore',
    }),
    call('fork', 'clone', [17, 0], { ifZero: { label: 'child' }, ifPositive: { label: 'parent' } }),
    call('write', 'write', [slot(3), { addressOf: slot(4) }, 8], { onError: { label: 'parent' } }),
    call('filter', 'seccomp', [
      1,
      0,
      { struct: new Uint8Array(16), pointers: [{ at: 8, to: new Uint8Array(1248) }] },
    ]),
    call('run', 'execve', ['/bin/sh', { vector: ['sh', '-c'] }, { vector: [] }]),
    { kind: 'goto', to: { label: 'parent' } },
    { kind: 'label', label: 'child' },
    { kind: 'init', name: 'be init', child: slot(1), status: slot(2) },
    { kind: 'label', label: 'parent' },
    { kind: 'exit-as', name: 'end', status: slot(2) },
    exit(127),
  ]
  t.is(
    explain(program),
    ` 1  mount proc on /proc: mount("proc", "/proc", "proc", 14, 0)
 2  open "it": openat(-100, "a\\"b\\\\c\\x1b[2J", 0x80000, 0) → $3, errors do not matter
 3  fork: clone(17, 0), if 0 go to child, if more go to parent
 4  write: write($3, &$4, 8), on an error go to parent
 5  filter: seccomp(1, 0, {16 bytes; 8: [1248 bytes]})
 6  run: execve("/bin/sh", ["sh", "-c"], [])
 7  go to parent
 8  child:
 9  be init: forward signals to $1, reap, exit as $2 says
10  parent:
11  end: exit as $2 says
12  exit 127
`,
  )
})
