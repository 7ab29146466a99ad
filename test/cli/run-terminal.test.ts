import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { archiveOf, busyboxEntries, imageOf, noBusybox } from '../helpers/busybox-image.js'
import { has, isRoot, lading as ladingOf, ladingProgram, run } from '../helpers/programs.js'

// What somebody at a terminal does, and what goes through pipes in bulk.
const reason =
  process.platform !== 'linux'
    ? 'needs Linux'
    : !isRoot
      ? 'needs root'
      : has('script')
        ? noBusybox
        : 'needs script'
const check = reason === undefined ? test.serial : test.skip
const titled = (title: string) => (reason === undefined ? title : `${title} (${reason})`)

const folder = mkdtempSync(join(tmpdir(), 'run-terminal-'))
const env = { LADING_STORE: join(folder, 'store'), NODE_EXTRA_CA_CERTS: '' }
const lading = (...args: readonly string[]) => ladingOf(args, { env })
const done = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = lading(...args)
  if (status !== 0) throw new Error(`lading ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout.trimEnd()
}
const inspected = (name: string) => JSON.parse(done('inspect', name, '--json'))
const none = ['--network', 'none'] as const
const until = async (what: () => boolean | undefined, told: () => string = () => ''): Promise<void> => {
  const deadline = Date.now() + 20_000
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true: ${told()}`)
    await sleep(20)
  }
}

interface Session {
  readonly child: ChildProcessWithoutNullStreams
  said(): string
  type(text: string): void
  /** The exit status of lading. */
  readonly ended: Promise<number>
}

/** lading on a terminal of 30 rows and 100 columns. */
const onTerminal = (...args: readonly string[]): Session => {
  const command = [process.execPath, ladingProgram, ...args].map(word => `'${word}'`).join(' ')
  const child = spawn('script', ['-qec', `stty rows 30 cols 100; exec ${command}`, '/dev/null'], {
    env: { ...process.env, ...env },
  })
  let text = ''
  child.stdout.on('data', chunk => {
    text += chunk
  })
  return {
    child,
    said: () => text,
    type: typed => void child.stdin.write(typed),
    ended: once(child, 'exit').then(([status]) => status),
  }
}

/** The terminal that script has made, which is the standard input of what it runs. */
const terminalOf = ({ child: { pid } }: Session): string => {
  const [inner] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  return readlinkSync(`/proc/${inner}/fd/0`)
}

test.before(async () => {
  if (reason !== undefined) return
  const file = join(folder, 'image.tar')
  writeFileSync(file, await archiveOf({ 'terminal/app:1': await imageOf([busyboxEntries()]) }))
  done('load', '-i', file)
})

test.after.always(() => {
  if (reason === undefined) {
    const left = done('ps', '-aq').split('\n').filter(Boolean)
    if (left.length > 0) done('rm', '-fv', ...left)
    done('prune')
  }
  rmSync(folder, { recursive: true, force: true })
})

for (const [verb, start] of [
  ['run -it', () => onTerminal('run', '--rm', '-it', ...none, 'terminal/app:1', 'sh', '-c', size)],
  [
    'attach',
    () => {
      done('run', '-dit', '--name', 'sized', ...none, 'terminal/app:1', 'sh', '-c', size)
      return onTerminal('attach', 'sized')
    },
  ],
  [
    'exec -it',
    () => {
      done('run', '-d', '--name', 'other', ...none, 'terminal/app:1', 'sleep', '100')
      return onTerminal('exec', '-it', 'other', 'sh', '-c', size)
    },
  ],
] as const)
  check(titled(`${verb}: the terminal in the container follows the size of ours`), async t => {
    const session = start()
    await until(() => session.said().includes('size 30 100'), session.said)
    run('stty', ['-F', terminalOf(session), 'rows', '41', 'cols', '123'])
    await until(() => session.said().includes('size 41 123'), session.said)
    session.type('\x03')
    t.is(await session.ended, 130)
  })
const size = 'trap "exit 130" INT; while :; do echo size $(stty size); sleep 0.1; done'

check(titled('attach: ^P ^Q leaves it running, and it can be attached to again'), async t => {
  const program = 'stty -echo; while read x; do echo got $x; done; exit 9'
  done('run', '-dit', '--name', 'left', ...none, 'terminal/app:1', 'sh', '-c', program)
  const first = onTerminal('attach', 'left')
  first.type('one\r')
  await until(() => first.said().includes('got one'), first.said)
  first.type('\x10\x11')
  t.is(await first.ended, 1)
  t.regex(first.said(), /Left left, which goes on/)
  t.is(inspected('left').state.status, 'running')
  const second = onTerminal('attach', 'left')
  second.type('two\r')
  await until(() => second.said().includes('got two'), second.said)
  second.type('\x04')
  t.is(await second.ended, 9)
  t.is(inspected('left').state.exitCode, 9)
})

check(titled('run -it: what has no terminal here is refused, not waited for'), t => {
  const { status, stderr } = lading('run', '--rm', '-it', ...none, 'terminal/app:1', 'cat')
  t.is(status, 1)
  t.regex(stderr, /not a TTY/)
  t.is(lading('run', '--rm', '-t', ...none, 'terminal/app:1', 'tty').stdout, '/dev/pts/0\r\n')
})

/** Bytes that came out of it, and the most memory that lading had meanwhile, in MiB; its reader takes its time. */
const readSlowly = async (...args: readonly string[]) => {
  const child = spawn(process.execPath, [ladingProgram, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const closed = once(child.stdout, 'close')
  await once(child.stdout, 'readable')
  // Until nothing more fits into what lies between.
  await sleep(500)
  const [, peak = '0'] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? []
  let bytes = 0
  child.stdout.on('data', chunk => {
    bytes += chunk.length
  })
  const [status] = await exited
  await closed
  return { status, bytes, peak: Number(peak) / 1024 }
}

const much = 100_000_000
for (const [title, flags] of [
  ['straight', ['--rm']],
  ['through a log', ['--name', 'logged']],
  ['of an ordinary user', ['--rm', '-u', 'app']],
] as const)
  check(titled(`run: 100 MB of output come whole, and wait where nobody takes them: ${title}`), async t => {
    const program = ['terminal/app:1', 'head', '-c', `${much}`, '/dev/zero']
    const { status, bytes, peak } = await readSlowly('run', ...flags, ...none, ...program)
    t.is(status, 0)
    t.is(bytes, much)
    t.true(peak < 200, `${peak} MiB`)
  })

check(titled('run -i: 100 MB of input arrive whole'), t => {
  const command = `head -c ${much} /dev/zero | ${process.execPath} ${ladingProgram} run --rm -i --network none terminal/app:1 wc -c`
  t.is(run('sh', ['-c', command], { env }).trim(), `${much}`)
})

check(titled('exec: 100 MB through it, both ways'), t => {
  done('run', '-d', '--name', 'through', ...none, 'terminal/app:1', 'sleep', '100')
  const command = `head -c ${much} /dev/zero | ${process.execPath} ${ladingProgram} exec -i through cat | wc -c`
  t.is(run('sh', ['-c', command], { env }).trim(), `${much}`)
})
