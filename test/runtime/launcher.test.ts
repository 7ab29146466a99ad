import { once } from 'node:events'
import { constants } from 'node:os'
import test from 'ava'
import { encode } from '../../src/runtime/launcher/encode.js'
import type { CallStep, Program, ProgramStep, Value } from '../../src/runtime/launcher/program.js'
import { failureMagic } from '../../src/runtime/launcher/report-words.js'
import { x86_64 } from '../../src/runtime/launcher/x86-64.js'
import { processors, runProgram } from '../helpers/run-program.js'

const call = (
  name: string,
  args: readonly Value[],
  rest: Partial<Omit<CallStep, 'kind' | 'call' | 'args'>> = {},
): CallStep => ({ kind: 'call', name, call: name, args, ...rest })
const label = (name: string): ProgramStep => ({ kind: 'label', label: name })
const exit = (status: number): ProgramStep => ({ kind: 'exit', status })
const exitAs = (slot: number): ProgramStep => ({ kind: 'exit-as', name: 'exit', status: { slot } })
const say = (text: string): CallStep => call('write', [1, text, Buffer.byteLength(text)])
const report = (slot: number): CallStep => call('write', [4, { addressOf: { slot } }, 8])
const fork = (child: string): CallStep =>
  call('clone', [constants.signals.SIGCHLD, 0, 0, 0, 0], { save: { slot: 0 }, ifZero: { label: child } })
const waitForIt = call('wait4', [{ slot: 0 }, { addressOf: { slot: 1 } }, 0, 0])
const everySignal = new Uint8Array(8).fill(0xff)
const block = call('rt_sigprocmask', [0, everySignal, 0, 8])
const unblock = call('rt_sigprocmask', [1, everySignal, 0, 8])
const shell = (script: string): CallStep =>
  call('execve', ['/bin/sh', { vector: ['sh', '-c', script] }, { vector: ['PATH=/usr/bin:/bin'] }])
const killSelf = (signal: number): Program => [
  call('getpid', [], { save: { slot: 2 } }),
  call('kill', [{ slot: 2 }, signal]),
]
const errnoOf = (word: bigint | undefined) => Number(word! & 0xffffn)
const stepOf = (word: bigint | undefined) => Number((word! >> 16n) & 0xffffn)

/** struct timespec. */
const tenthOfASecond = new Uint8Array(new BigInt64Array([0n, 100_000_000n]).buffer)

/** An init with five children that end soon, and its child that does `steps` after all signals are unblocked. */
const underInit = (steps: Program): Program => [
  block,
  // So that orphans of the child become its own, as they do when it is process 1 of a namespace; qemu refuses.
  call('prctl', [36, 1, 0, 0, 0], { onError: 'ignore' }),
  ...Array<CallStep>(5).fill(
    call('clone', [constants.signals.SIGCHLD, 0, 0, 0, 0], { ifZero: { label: 'other' } }),
  ),
  fork('child'),
  { kind: 'init', name: 'be init', child: { slot: 0 }, status: { slot: 1 } },
  label('other'),
  call('nanosleep', [tenthOfASecond, 0]),
  exit(0),
  label('child'),
  unblock,
  ...steps,
]

for (const processor of processors) {
  const { machine, missing } = processor
  const suffix = `${machine.name}${missing ? ` [skipped: ${missing}]` : ''}`
  const when = missing ? test.skip : test
  const run = (program: Program, during?: Parameters<typeof runProgram>[2]) =>
    runProgram(processor, program, during)

  when(`encode: a program writes and ends with the status it says, ${suffix}`, async t => {
    const ended = await run([say('one '), say('two'), exit(7), say('never')])
    t.deepEqual(ended, { ...ended, status: 7, stdout: 'one two' })
  })

  when(`encode: a program that runs off its end ends with 0, ${suffix}`, async t => {
    t.is((await run([say('x')])).status, 0)
    t.is((await run([])).status, 0)
  })

  when(`encode: goto and labels, forwards and backwards, ${suffix}`, async t => {
    const ended = await run([
      { kind: 'goto', to: { label: 'second' } },
      label('first'),
      say('b'),
      exit(3),
      label('second'),
      say('a'),
      { kind: 'goto', to: { label: 'first' } },
    ])
    t.deepEqual([ended.stdout, ended.status], ['ab', 3])
  })

  when(`encode: exit-as ends with the child's exit status, ${suffix}`, async t => {
    for (const status of [0, 1, 42, 127, 128, 255])
      t.is((await run([fork('child'), waitForIt, exitAs(1), label('child'), exit(status)])).status, status)
  })

  when(`encode: exit-as ends with 128 + the signal that ended the child, ${suffix}`, async t => {
    for (const signal of [1, 9, 15])
      t.is(
        (await run([fork('child'), waitForIt, exitAs(1), label('child'), ...killSelf(signal)])).status,
        128 + signal,
      )
  })

  when(`encode: a failing step says which it is and why, and ends with 125, ${suffix}`, async t => {
    const ended = await run([say('x'), call('openat', [-100, '/no/such/file', 0, 0]), say('never')])
    t.deepEqual([ended.status, ended.stdout, ended.reports.length], [125, 'x', 1])
    t.is(Number(ended.reports[0]! >> 32n), failureMagic)
    t.is(stepOf(ended.reports[0]), 1)
    t.is(errnoOf(ended.reports[0]), constants.errno.ENOENT)
  })

  when(`encode: the 300th step that fails is told as such, ${suffix}`, async t => {
    const ended = await run([...Array(299).fill(call('getpid', [])), call('close', [-1])])
    t.deepEqual([stepOf(ended.reports[0]), errnoOf(ended.reports[0])], [299, constants.errno.EBADF])
  })

  when(`encode: an error goes where onError says, or nowhere, and is saved as −errno, ${suffix}`, async t => {
    const ended = await run([
      call('chdir', ['/no/such/folder'], { onError: 'ignore', save: { slot: 3 } }),
      report(3),
      call('close', [-1], { onError: { label: 'there' } }),
      exit(1),
      label('there'),
      call('chdir', ['/'], { onError: { label: 'wrong' } }),
      exit(5),
      label('wrong'),
      exit(2),
    ])
    t.deepEqual([ended.status, ended.reports], [5, [-BigInt(constants.errno.ENOENT)]])
  })

  when(`encode: ifZero and ifPositive tell 0, more and an error apart, ${suffix}`, async t => {
    const outcome = (step: CallStep): Program => [
      { ...step, onError: 'ignore', ifZero: { label: 'zero' }, ifPositive: { label: 'more' } },
      exit(1),
      label('zero'),
      exit(2),
      label('more'),
      exit(3),
    ]
    t.is((await run(outcome(call('close', [-1])))).status, 1)
    t.is((await run(outcome(call('chdir', ['/'])))).status, 2)
    t.is((await run(outcome(call('getpid', [])))).status, 3)
  })

  when(`encode: a large result that is no error is none, ${suffix}`, async t => {
    const far = 2 ** 40 + 5
    const ended = await run([
      call('memfd_create', ['far', 0], { save: { slot: 0 } }),
      call('lseek', [{ slot: 0 }, far, 0], { save: { slot: 1 } }),
      report(1),
    ])
    t.deepEqual([ended.status, ended.reports], [0, [BigInt(far)]])
  })

  when(
    `encode: slots are 0 at first and hold what was saved or written to their address, ${suffix}`,
    async t => {
      const ended = await run(
        [
          report(9),
          call('getpid', [], { save: { slot: 9 } }),
          report(9),
          call('read', [3, { addressOf: { slot: 10 } }, 8]),
          report(10),
          call('close', [{ slot: 10 }]),
          call('write', [1, 'gone', 4]),
        ],
        async child => {
          ;(child.stdio[3] as NodeJS.WritableStream).end(Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]))
          await once(child, 'spawn')
        },
      )
      t.is(ended.reports[0], 0n)
      t.true(ended.reports[1]! > 0n)
      t.is(ended.reports[2], 1n)
      t.deepEqual([ended.status, stepOf(ended.reports[3])], [125, 6])
    },
  )

  when(`encode: a buffer is one wherever it is named, and may be written to, ${suffix}`, async t => {
    const buffer = Buffer.from('????')
    const ended = await run(
      [call('write', [1, buffer, 4]), call('read', [3, buffer, 4]), call('write', [1, buffer, 4])],
      async child => {
        ;(child.stdio[3] as NodeJS.WritableStream).end('news')
        await once(child, 'spawn')
      },
    )
    t.is(ended.stdout, '????news')
  })

  when(`encode: structures hold addresses of buffers and of other structures, ${suffix}`, async t => {
    // struct iovec and struct msghdr of two 64-bit machines.
    const part = (text: string) => [
      { at: 0, to: text },
      { at: 8, to: text.length },
    ]
    const parts: Value = {
      struct: new Uint8Array(32),
      pointers: [...part('12345678'), ...part('abcdefgh').map(({ at, to }) => ({ at: at + 16, to }))],
    }
    const message: Value = {
      struct: new Uint8Array(56),
      pointers: [
        { at: 16, to: parts },
        { at: 24, to: 2n },
      ],
    }
    // Descriptor 4 is a socket here.
    const ended = await run([call('sendmsg', [4, message, 0])])
    t.is(ended.status, 0)
    const words = Buffer.from('12345678abcdefgh')
    t.deepEqual(ended.reports, [words.readBigInt64LE(0), words.readBigInt64LE(8)])
  })

  when(`encode: vectors are what execve takes for arguments and environment, ${suffix}`, async t => {
    const script = 'echo "$0|$1|$A|$B"'
    const ended = await run([
      call('execve', [
        '/bin/sh',
        { vector: ['sh', '-c', script, 'zero', 'ö ü'] },
        { vector: ['A=x y', 'B='] },
      ]),
    ])
    t.is(ended.stdout, 'zero|ö ü|x y|\n')
  })

  when(`encode: an execve that fails goes on to the next step, ${suffix}`, async t => {
    const attempt = (path: string) =>
      call('execve', [path, { vector: ['true'] }, { vector: [] }], { onError: 'ignore', save: { slot: 0 } })
    const ended = await run([attempt('/no/true'), attempt('/etc/passwd'), report(0), exit(127)])
    t.deepEqual([ended.status, ended.reports], [127, [-BigInt(constants.errno.EACCES)]])
  })

  when(`init: ends with its child's status, code or signal, ${suffix}`, async t => {
    t.is((await run(underInit([exit(42)]))).status, 42)
    t.is((await run(underInit(killSelf(9)))).status, 137)
  })

  when(`init: hands signals to its child, ${suffix}`, async t => {
    const script = `trap 'echo hup' HUP; trap 'echo term; exit 9' TERM; echo ready; while :; do sleep 0.02; done`
    const ended = await run(underInit([shell(script)]), async (child, output) => {
      const heard = () => Promise.race([once(output, 'data'), once(child, 'close')])
      await heard()
      child.kill('SIGHUP')
      await heard()
      child.kill('SIGTERM')
    })
    t.deepEqual([ended.status, ended.stdout], [9, 'ready\nhup\nterm\n'])
  })

  when(`init: reaps what is not its child, many at once, and goes on, ${suffix}`, async t => {
    // Until the shell is the only child that is left: children that ended and were not reaped are listed too.
    const orphans = `for i in 1 2 3 4 5; do (sleep 0.1 & sleep 0.1 &); done
      for i in $(seq 100); do
        left=$(cat /proc/$PPID/task/$PPID/children); [ "$left" = "$$ " ] && exit 6; sleep 0.05
      done
      echo "$left"`
    const ended = await run(underInit([shell(orphans)]))
    t.deepEqual([ended.stdout, ended.status], ['', 6])
  })

  when(`init: a process that is no child of its own is a failure with its name, ${suffix}`, async t => {
    const ended = await run([
      block,
      call('getpid', [], { save: { slot: 0 } }),
      call('kill', [{ slot: 0 }, constants.signals.SIGCHLD]),
      { kind: 'init', name: 'be init', child: { slot: 0 }, status: { slot: 1 } },
    ])
    t.deepEqual([ended.status, stepOf(ended.reports[0])], [125, 3])
    t.is(errnoOf(ended.reports[0]), 10 /* ECHILD */)
  })
}

test('encode: refuses what no machine could run, and says what it is', t => {
  const refuse = (program: Program, message: RegExp) => t.throws(() => encode(program, x86_64), { message })
  refuse([{ kind: 'goto', to: { label: 'nowhere' } }], /label "nowhere"/)
  refuse([label('a'), label('a')], /Two steps are the label "a"/)
  refuse([call('open', ['/etc'])], /system call open is not in the table/)
  refuse([call('toString', [])], /not in the table/)
  refuse([call('read', [1, 2, 3, 4, 5, 6, 7])], /7 arguments/)
  refuse([call('read', [0.5])], /0\.5 is no argument/)
  refuse([call('ioctl', [{ struct: new Uint8Array(8), pointers: [{ at: 0, to: { slot: 1 } }] }])], /slot/)
  const error = t.throws(() => encode([call('chdir', ['/safe\0/../evil'])], x86_64))
  t.like(error, {
    code: 'USAGE',
    message: 'The text "/safe\\x00/../evil" has a NUL byte, which no system call takes',
  })
})

test('encode: gives the same bytes for the same program, and equal texts stand there once', t => {
  const program = [call('chdir', ['/some/long/path']), call('chroot', ['/some/long/path'])]
  const file = encode(program, x86_64)
  t.deepEqual(file, encode(program, x86_64))
  t.is(file.toString('latin1').split('/some/long/path').length, 2)
})
