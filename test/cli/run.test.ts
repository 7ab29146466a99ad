import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { closeNetwork, openNetwork } from '../../src/runtime/network/bridge.js'
import {
  attempt,
  has,
  isRoot,
  lading as ladingOf,
  ladingProgram,
  type Outcome,
  run,
} from '../helpers/programs.js'

// Containers that run, in a store of this test's own. Their programs are those of busybox.
const reason = !isRoot
  ? 'needs root'
  : !has('busybox')
    ? 'needs busybox'
    : process.platform !== 'linux'
      ? 'needs Linux'
      : undefined
// One after the other: each waits for processes while nothing else of this file goes on.
const check = reason === undefined ? test.serial : test.skip
const titled = (title: string) => (reason === undefined ? title : `${title} (${reason})`)

const folder = mkdtempSync(join(tmpdir(), 'run-'))
const env = { LADING_STORE: join(folder, 'store'), NODE_EXTRA_CA_CERTS: '' }
const archive = join(folder, 'image.tar')
const lading = (args: readonly string[], options: { input?: Uint8Array } = {}): Outcome =>
  ladingOf(args, { ...options, env })
/** What it printed; it must succeed. */
const done = (...args: readonly string[]): string => {
  const { status, stdout, stderr } = lading(args)
  if (status !== 0) throw new Error(`lading ${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout.trimEnd()
}
const inspected = (name: string) => JSON.parse(done('inspect', name, '--json'))
const quiet = ['--rm', '--network', 'none'] as const
const until = async (what: () => boolean): Promise<void> => {
  const deadline = Date.now() + 20_000
  while (!what()) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true`)
    await sleep(20)
  }
}
/** lading in the background of this test. */
const start = (...args: readonly string[]): ChildProcess & { said: () => string } => {
  const child = spawn(process.execPath, [ladingProgram, ...args], { env: { ...process.env, ...env } })
  let said = ''
  child.stdout.on('data', chunk => {
    said += chunk
  })
  child.stderr.on('data', chunk => {
    said += chunk
  })
  return Object.assign(child, { said: () => said })
}

test.before(() => {
  if (reason !== undefined) return
  const tree = join(folder, 'tree')
  for (const name of ['bin', 'etc', 'tmp', 'root', 'data']) mkdirSync(join(tree, name), { recursive: true })
  const busybox = realpathSync(run('sh', ['-c', 'command -v busybox']).trim())
  copyFileSync(busybox, join(tree, 'bin/busybox'))
  const applets =
    'cat echo env false find head hostname id kill ls mkdir nc ps pwd rm sh sleep stat stty true tty wc'
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(tree, 'bin', applet))
  writeFileSync(
    join(tree, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n',
  )
  writeFileSync(join(tree, 'etc/group'), 'root:x:0:\nwheel:x:10:root\napp:x:1000:\n')
  writeFileSync(join(tree, 'data/seed'), 'from the image\n')
  run('tar', ['-C', tree, '-cf', join(folder, 'tree.tar'), '.'])
  done('import', join(folder, 'tree.tar'), 'app:1', '--change', 'CMD ["sh"]', '--change', 'ENV FROM=image')
  done('save', 'app:1', '-o', archive)
})

test.after.always(async () => {
  if (reason !== undefined) return
  lading(['rm', '-fv', ...done('ps', '-aq').split('\n').filter(Boolean)])
  lading(['prune'])
  if (existsSync(join(env.LADING_STORE, 'network')))
    await closeNetwork((await openNetwork(join(env.LADING_STORE, 'network'))).network)
  rmSync(folder, { recursive: true, force: true })
})

// The command line ends as docker's does.
const statuses: readonly (readonly [args: readonly string[], status: number, words?: RegExp])[] = [
  [['app:1', 'true'], 0],
  [['app:1', 'false'], 1],
  [['app:1', 'sh', '-c', 'exit 42'], 42],
  [['app:1', 'nope'], 127, /exec: "nope": executable file not found in \$PATH/],
  [['app:1', '/nope'], 127, /exec: "\/nope": stat \/nope: no such file or directory/],
  [['app:1', '/etc/passwd'], 126, /exec: "\/etc\/passwd": permission denied/],
  [['app:1', '/bin'], 126, /exec: "\/bin": permission denied/],
  [['--init', 'app:1', 'sh', '-c', 'kill -9 $$'], 137],
  [['--init', 'app:1', 'sh', '-c', 'kill -TERM $$'], 143],
  [['nothing:1', 'true'], 125, /Unable to find image 'nothing:1' locally/],
  [['-m', '1x', 'app:1', 'true'], 125, /invalid size: '1x'/],
  [['-u', 'nobody', 'app:1', 'true'], 125, /unable to find user nobody: no matching entries in passwd file/i],
  [['--name', '-', 'app:1', 'true'], 125, /Invalid container name \(-\)/],
  [['-w', '/etc/passwd', 'app:1', 'true'], 125],
]
for (const [args, status, words] of statuses)
  check(titled(`run: ${args.join(' ')} ends with ${status}`), t => {
    const outcome = lading(['run', ...quiet, ...args])
    t.is(outcome.status, status, outcome.stderr)
    if (words) t.regex(outcome.stderr, words)
  })

check(
  titled('run: options after the image are the program’s, -e, -w, -u, -h and --entrypoint are heard'),
  t => {
    const words = ['-e', 'A=1', '-w', '/srv/new', '-u', 'app', '-h', 'box', '--entrypoint', 'sh', 'app:1']
    const said = done(
      'run',
      ...quiet,
      ...words,
      '-c',
      'echo $A $FROM $HOME; pwd; id -un; hostname; echo "[$0]"',
      '-e',
    )
    t.deepEqual(said.split('\n'), ['1 image /home/app', '/srv/new', 'app', 'box', '[-e]'])
  },
)

check(titled('run: straight from the file of an archive, and again by start after its names are gone'), t => {
  t.is(done('run', ...quiet, archive, 'cat', '/data/seed'), 'from the image')
  t.is(done('run', '--network', 'none', '--name', 'filed', archive, 'echo', 'again'), 'again')
  t.is(done('start', '-a', 'filed'), 'again')
  done('rm', 'filed')
})

check(titled('run: its input is what ours is with -i, and empty without'), t => {
  const input = Buffer.from('x'.repeat(300_000))
  t.is(lading(['run', ...quiet, '-i', 'app:1', 'wc', '-c'], { input }).stdout.trim(), '300000')
  t.is(lading(['run', ...quiet, 'app:1', 'wc', '-c'], { input: Buffer.from('x') }).stdout.trim(), '0')
})

check(titled('run: a program of another user may open /dev/stdout'), t => {
  t.is(done('run', ...quiet, '-u', 'app', 'app:1', 'sh', '-c', 'echo said > /dev/stdout'), 'said')
})

check(titled('run: --rm leaves nothing: no record, name, group, volume'), t => {
  done('run', ...quiet, '--name', 'gone', '-v', '/v', 'app:1', 'sh', '-c', 'echo x > /v/x')
  const store = (name: string) =>
    existsSync(join(env.LADING_STORE, name)) ? readdirSync(join(env.LADING_STORE, name)) : []
  t.deepEqual(
    store('container-names').filter(name => name === 'gone'),
    [],
  )
  t.deepEqual(
    store('volumes').filter(name => /^[0-9a-f]{64}$/.test(name)),
    [],
  )
  t.is(lading(['inspect', 'gone']).status, 1)
})

check(titled('run -t: a terminal of the container’s own, of our size, ended by its program'), t => {
  if (!has('script')) return t.log('needs script')
  const command = `${process.execPath} ${ladingProgram} run ${quiet.join(' ')} -it app:1 sh -c 'tty; test -t 0 && echo is; exit 5'`
  const { status, stdout } = attempt('script', ['-qec', command, '/dev/null'], {
    env,
    input: Buffer.from(''),
  })
  t.is(status, 5)
  // script passes on the end of its own input, which a terminal may echo.
  t.regex(stdout, /\/dev\/pts\/0\r+\n(?:\^@)?is\r+\n/)
})

check(titled('run -t: what is typed reaches the program, ^C its foreground'), async t => {
  if (!has('script')) return t.log('needs script')
  const command = `${process.execPath} ${ladingProgram} run ${quiet.join(' ')} -it app:1 sh`
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, ...env } })
  let said = ''
  child.stdout.on('data', chunk => {
    said += chunk
  })
  await until(() => said.includes('# '))
  child.stdin.write('echo $((6*7)); sleep 100\n')
  await until(() => /^42\r/m.test(said))
  await sleep(200)
  child.stdin.write('\x03')
  child.stdin.write('exit $(($? + 3))\n')
  const [status] = await once(child, 'exit')
  t.is(status, 133)
})

check(titled('run: signals that come to it go to the program'), async t => {
  const child = start(
    'run',
    ...quiet,
    'app:1',
    'sh',
    '-c',
    'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done',
  )
  await until(() => child.said().includes('up'))
  child.kill('SIGTERM')
  const [status] = await once(child, 'exit')
  t.is(status, 7)
})

check(titled('run: killed, it takes the container with it, and ps and prune know'), async t => {
  const child = start(
    'run',
    '--network',
    'none',
    '--name',
    'orphan',
    'app:1',
    'sh',
    '-c',
    'echo up; exec sleep 100',
  )
  await until(() => child.said().includes('up'))
  const { pid } = inspected('orphan').state
  child.kill('SIGKILL')
  await until(() => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '))
  t.like(inspected('orphan').state, { status: 'exited', exitCode: 137 })
  done('rm', 'orphan')
})

check(titled('run -d: prints the ID; logs, exec, top, stats, pause, rename and stop work on it'), async t => {
  const program = 'trap "echo bye; exit 9" TERM; echo out; echo err >&2; while :; do sleep 0.05; done'
  const id = done(
    'run',
    '-d',
    '--network',
    'none',
    '--name',
    'job',
    '-e',
    'A=1',
    'app:1',
    'sh',
    '-c',
    program,
  )
  t.regex(id, /^[0-9a-f]{64}$/)
  await until(() => lading(['logs', 'job']).stderr === 'err\n')
  t.is(lading(['logs', 'job']).stdout, 'out\n')
  t.regex(done('logs', '-t', '--tail', '1', 'job'), /^(\d{4}-.*Z out)?$/)

  t.is(done('exec', 'job', 'sh', '-c', 'echo $A $(hostname)'), `1 ${id.slice(0, 12)}`)
  t.is(
    done('exec', '-u', 'app', '-w', '/tmp', '-e', 'B=2', 'job', 'sh', '-c', 'echo $(id -u) $(pwd) $B $HOME'),
    '1000 /tmp 2 /home/app',
  )
  t.is(lading(['exec', '-i', 'job', 'cat'], { input: Buffer.from('in') }).stdout, 'in')
  t.is(lading(['exec', 'job', 'sh', '-c', 'exit 3']).status, 3)
  t.is(lading(['exec', 'job', 'nope']).status, 127)
  done('exec', '-d', 'job', 'sh', '-c', 'echo x > /tmp/background')
  await until(() => lading(['exec', 'job', 'cat', '/tmp/background']).status === 0)

  t.true(
    JSON.parse(done('top', 'job', '--json')).some(({ command }: { command: string }) =>
      command.startsWith('sh -c'),
    ),
  )
  t.like(JSON.parse(done('stats', '--no-stream', '--json', 'job'))[0], { name: 'job' })

  done('pause', 'job')
  t.regex(done('ps'), /\(Paused\)/)
  t.is(lading(['exec', 'job', 'true']).status, 125)
  t.is(lading(['pause', 'job']).status, 1)
  done('unpause', 'job')
  done('rename', 'job', 'task')
  t.is(lading(['rm', 'task']).status, 1)

  done('stop', 'task')
  t.like(inspected('task').state, { status: 'exited', exitCode: 9, oomKilled: false })
  t.is(done('wait', 'task'), '9')
  t.true(done('logs', 'task').endsWith('bye'))
  t.is(done('ps', '-q'), '')
  t.is(done('ps', '-aq', '--no-trunc', '--filter', 'name=task'), id)
  done('rm', 'task')
  t.is(lading(['inspect', 'task']).status, 1)
})

check(titled('start, kill, wait: a container runs again, and is killed'), async t => {
  done(
    'create',
    '--network',
    'none',
    '--name',
    'again',
    'app:1',
    'sh',
    '-c',
    'echo run >> /runs; exec sleep 100',
  )
  t.is(inspected('again').state.status, 'created')
  for (let round = 0; round < 2; round++) {
    done('start', 'again')
    const waiting = start('wait', 'again')
    await sleep(300)
    done('kill', 'again')
    await once(waiting, 'exit')
    t.is(waiting.said(), '137\n')
  }
  t.is(done('cp', 'again:/runs', join(folder, 'runs')), '')
  t.is(readFileSync(join(folder, 'runs'), 'utf8'), 'run\nrun\n')
  t.is(done('diff', 'again'), 'A /runs')
  done('rm', 'again')
})

check(titled('stop: a program that does not heed the signal is killed after the time'), t => {
  done('run', '-d', '--network', 'none', '--name', 'deaf', 'app:1', 'sleep', '100')
  const before = Date.now()
  done('stop', '-t', '1', 'deaf')
  t.true(Date.now() - before >= 1000)
  t.is(inspected('deaf').state.exitCode, 137)
  done('rm', 'deaf')
})

check(titled('run -d --rm: wait tells the status, and nothing is left'), async t => {
  done('run', '-d', ...quiet, '--name', 'brief', 'app:1', 'sh', '-c', 'sleep 1; exit 4')
  t.is(done('wait', 'brief'), '4')
  await until(() => lading(['inspect', 'brief']).status === 1)
  t.pass()
})

check(
  titled('run -d: a program that cannot be run is told of with 127, and the container stays as created'),
  t => {
    const outcome = lading(['run', '-d', '--network', 'none', '--name', 'broken', 'app:1', 'nope'])
    t.is(outcome.status, 127)
    t.regex(outcome.stderr, /executable file not found in \$PATH/)
    t.like(inspected('broken').state, { status: 'created', exitCode: 127 })
    done('rm', 'broken')
  },
)

check(titled('attach: output from now on, and input to the program'), async t => {
  done(
    'run',
    '-d',
    '-i',
    '--network',
    'none',
    '--name',
    'echoing',
    'app:1',
    'sh',
    '-c',
    'while read x; do echo got $x; done; exit 6',
  )
  const { status, stdout } = lading(['attach', 'echoing'], { input: Buffer.from('a\nb\n') })
  t.is(stdout, 'got a\ngot b\n')
  t.is(status, 6)
  done('rm', 'echoing')
})

check(
  titled('ps: tells the truth after the supervisor was killed, and prune takes what it left'),
  async t => {
    const id = done('run', '-d', '--network', 'none', '--name', 'lost', 'app:1', 'sleep', '100')
    const state = JSON.parse(readFileSync(join(env.LADING_STORE, 'containers', id, 'state.json'), 'utf8'))
    process.kill(state.watcher.pid, 'SIGKILL')
    await until(() => inspected('lost').state.status === 'exited')
    t.like(inspected('lost').state, { exitCode: 137 })
    t.regex(done('ps', '-a', '--filter', 'name=lost'), /Exited \(137\)/)
    done('start', 'lost')
    t.is(inspected('lost').state.status, 'running')
    done('rm', '-f', 'lost')
    t.false(existsSync(join(env.LADING_STORE, 'containers', id)))
  },
)

check(titled('run -m: what takes more than its memory is killed, and that is known'), t => {
  const outcome = lading([
    'run',
    '--network',
    'none',
    '--name',
    'greedy',
    '-m',
    '16m',
    '--memory-swap',
    '16m',
    'app:1',
    'sh',
    '-c',
    'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done',
  ])
  t.is(outcome.status, 137)
  t.like(inspected('greedy').state, { status: 'exited', exitCode: 137, oomKilled: true })
  done('rm', 'greedy')
})

check(
  titled('run -v: a bind of the host, a volume that stays and begins with what the image has there'),
  t => {
    const host = join(folder, 'host')
    const words = ['-v', `${host}:/host`, '-v', 'kept:/data']
    done(
      'run',
      ...quiet,
      ...words,
      'app:1',
      'sh',
      '-c',
      'cat /data/seed > /host/seed; echo more > /data/more',
    )
    t.is(readFileSync(join(host, 'seed'), 'utf8'), 'from the image\n')
    t.is(
      done(
        'run',
        ...quiet,
        '-v',
        'kept:/data:ro',
        'app:1',
        'sh',
        '-c',
        'cat /data/more; echo x > /data/x || echo no',
      ),
      'more\nno',
    )
  },
)

check(titled('run --read-only: the root cannot be written, volumes and tmpfs can'), t => {
  const said = done(
    'run',
    ...quiet,
    '--read-only',
    '--tmpfs',
    '/tmp',
    '-v',
    '/data',
    'app:1',
    'sh',
    '-c',
    'echo x > /x || echo no; echo x > /tmp/x && echo tmp; echo x > /data/x && echo data',
  )
  t.is(said, 'no\ntmp\ndata')
})

check(titled('cp: into and out of a container, running or not, files and folders, merged'), t => {
  const from = join(folder, 'from')
  mkdirSync(join(from, 'sub'), { recursive: true })
  writeFileSync(join(from, 'a'), 'A\n')
  writeFileSync(join(from, 'sub/b'), 'B\n')
  done('run', '-d', '--network', 'none', '--name', 'copied', '-v', '/data', 'app:1', 'sleep', '100')
  done('cp', from, 'copied:/new')
  done('cp', `${from}/.`, 'copied:/tmp')
  done('cp', join(from, 'a'), 'copied:/data/')
  t.is(done('exec', 'copied', 'sh', '-c', 'cat /new/sub/b /tmp/a /data/a; stat -c %u /new/a'), 'B\nA\nA\n0')
  done('stop', '-t', '0', 'copied')
  done('cp', join(from, 'a'), 'copied:/etc/late')
  done('cp', join(from, 'a'), 'copied:/data/late')
  done('cp', 'copied:/data/late', join(folder, 'late'))
  t.is(readFileSync(join(folder, 'late'), 'utf8'), 'A\n')
  done('start', 'copied')
  t.is(done('exec', 'copied', 'cat', '/etc/late', '/new/a'), 'A\nA')
  t.is(lading(['cp', 'copied:/nowhere', folder]).status, 1)
  done('rm', '-fv', 'copied')
})

check(titled('cp: a link in the container does not lead out of it'), t => {
  done(
    'run',
    '-d',
    '--network',
    'none',
    '--name',
    'sly',
    'app:1',
    'sh',
    '-c',
    `ln -s / /esc; ln -s ${folder} /out; exec sleep 100`,
  )
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'host\n')
  lading(['cp', secret, 'sly:/out/'])
  t.is(readFileSync(secret, 'utf8'), 'host\n')
  lading(['cp', secret, `sly:/esc${folder}/planted`])
  t.false(existsSync(join(folder, 'planted')))
  done('rm', '-f', 'sly')
})

check(titled('rmi: what a container needs stays until the container goes'), t => {
  done('tag', 'app:1', 'other:1')
  const tar = join(folder, 'small.tar')
  run('tar', ['-C', join(folder, 'tree'), '-cf', tar, 'bin', 'etc'])
  done('import', tar, 'small:1', '--change', 'CMD ["echo", "still"]')
  done('create', '--network', 'none', '--name', 'holder', 'small:1')
  done('rmi', 'small:1')
  t.is(done('start', '-a', 'holder'), 'still')
  done('rm', 'holder')
})

check(titled('run --progress plain: says the seven steps on standard error'), t => {
  const { stderr } = lading(['--progress', 'plain', 'run', ...quiet, 'app:1', 'true'])
  const steps = stderr
    .split('\n')
    .filter(Boolean)
    .map(line => line.replace(/^lading: /, '').split(':')[0])
  t.deepEqual(steps, [
    'Image found',
    'Container created',
    'File system mounted',
    'No interface bridged',
    'No address given',
    'Program run',
    'Container terminated',
  ])
})

check(titled('run --progress plain: on the bridge, says which interface and address'), t => {
  const { stderr } = lading(['--progress', 'plain', 'run', '--rm', 'app:1', 'true'])
  const steps = stderr.split('\n').filter(line => /Interface|Address/.test(line))
  t.is(steps.length, 2, stderr)
  t.regex(steps[0]!, /^lading: Interface bridged: \S/)
  t.regex(steps[1]!, /^lading: Address given: \d+\.\d+\.\d+\.\d+/)
})

check(titled('run --explain: prints the steps and leaves nothing'), t => {
  const before = done('ps', '-aq')
  const said = done('run', '--explain', '--network', 'none', 'app:1', 'true')
  t.regex(said, /pivot_root/)
  t.regex(said, /filter system calls/)
  t.is(done('ps', '-aq'), before)
})

check(titled('run -p: a port of the host leads to the container, which others know by name'), async t => {
  done(
    'run',
    '-d',
    '--name',
    'served',
    '-p',
    '127.0.0.1::80',
    'app:1',
    'nc',
    '-ll',
    '-p',
    '80',
    '-e',
    'echo',
    'hello',
  )
  const [{ hostPort }] = inspected('served').ports
  const said = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: hostPort })
    socket.once('data', chunk => resolve(String(chunk)))
    socket.once('error', reject)
    socket.setTimeout(10_000, () => reject(new Error('no answer')))
  })
  t.is(said, 'hello\n')
  t.is(done('run', '--rm', 'app:1', 'sh', '-c', 'nc served 80'), 'hello')
  done('rm', '-f', 'served')
})

check(titled('create --cidfile: writes the ID, and refuses a file that is there'), t => {
  const cidfile = join(folder, 'cid')
  const id = done('create', '--network', 'none', '--cidfile', cidfile, 'app:1')
  t.is(readFileSync(cidfile, 'utf8'), id)
  const again = lading(['create', '--cidfile', cidfile, 'app:1'])
  t.is(again.status, 1)
  t.regex(again.stderr, /Container ID file found/)
  done('rm', id.slice(0, 12))
})

check(titled('run --runtime runc: the same by a runtime that is known'), t => {
  if (!has('runc')) return t.log('needs runc')
  const { status, stdout } = lading([
    'run',
    ...quiet,
    '--runtime',
    'runc',
    'app:1',
    'sh',
    '-c',
    'hostname; exit 3',
  ])
  t.is(status, 3)
  t.regex(stdout, /^[0-9a-f]{12}\n$/)
})
