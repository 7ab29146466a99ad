import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { identify } from '../../src/runtime/container/process-identity.js'
import { idMapOf } from '../../src/runtime/rootless/id-map.js'
import { archiveOf, busyboxEntries, imageOf } from '../helpers/busybox-image.js'
import { makeTestUser, noOrdinaryUser, type TestUser } from '../helpers/ordinary-user.js'
import { attempt, run } from '../helpers/programs.js'

// Containers of an ordinary user, whom the test makes.
const check = noOrdinaryUser === undefined ? test.serial : test.serial.skip
const titled = (title: string) =>
  noOrdinaryUser === undefined ? title : `${title} [skipped: ${noOrdinaryUser}]`

let user: TestUser
let archive: string
test.before(async () => {
  if (noOrdinaryUser !== undefined) return
  user = makeTestUser('lading-test-a')
  archive = join(user.home, 'app.tar')
  writeFileSync(
    archive,
    await archiveOf({
      'app:1': await imageOf([[...busyboxEntries(), { name: 'home/app/', owner: 1000 }]]),
    }),
  )
  await done('load', '-i', archive)
})
test.after.always(async () => {
  if (!user) return
  const ids = (await user.lading('ps', '-aq')).stdout.split('\n').filter(Boolean)
  if (ids.length > 0) await user.lading('rm', '-fv', ...ids)
  await user.lading('prune')
  user.remove()
})

const done = async (...words: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await user.lading(...words)
  if (status !== 0) throw new Error(`lading ${words.join(' ')} ended with ${status}: ${stderr}`)
  return stdout.trimEnd()
}
const store = () => join(user.home, '.local/share/lading')

/** Numeric owner and path of each entry of a tar. */
const owners = (tar: string): Record<string, string> =>
  Object.fromEntries(
    run('tar', ['--numeric-owner', '-tvf', tar])
      .split('\n')
      .filter(Boolean)
      .map(line => line.split(/\s+/))
      .map(([, owner, , , , path]) => [path, owner]),
  )

test('idMapOf: the user is 0, all ranges of the user follow', t => {
  const someone = { name: 'ann', uid: 1001, gid: 1001 }
  t.deepEqual(idMapOf(1001, 'bob:1:2\nann:100000:65536\n# ann:7:7\n1001:300000:10\nann:5:0\n', someone), [
    { inside: 0, outside: 1001, count: 1 },
    { inside: 1, outside: 100000, count: 65536 },
    { inside: 65537, outside: 300000, count: 10 },
  ])
  t.is(idMapOf(1001, 'anna:100000:65536\n', someone), undefined)
})

check(titled('run: root and users of a container are the user and IDs of the user'), async t => {
  const script =
    'id -u; touch /mine; su app -c "id -un; touch /home/app/his"; stat -c "%u %g" /mine /home/app/his; hostname; ls /sys/class/net; echo x >/dev/null && head -c 1 /dev/zero | wc -c; ls /dev/pts'
  t.is(
    await done('run', '--name', 'first', '-h', 'box', 'app:1', 'sh', '-c', script),
    '0\napp\n0 0\n1000 1000\nbox\nlo\n1\nptmx',
  )
  const { rootfs } = JSON.parse(await done('inspect', 'first', '--json'))
  t.is(rootfs.kind, 'overlay')
  t.is(rootfs.why, 'layers are unpacked: EROFS does not work here (Linux mounts EROFS for root only)')
  const upper = join(rootfs.folder, 'upper')
  t.is(statSync(join(upper, 'mine')).uid, user.uid)
  t.is(statSync(join(upper, 'home/app/his')).uid, user.range!.first + 999)
  t.is((await user.lading('run', '--rm', 'app:1', 'sh', '-c', 'exit 42')).status, 42)
  t.is((await user.lading('run', '--rm', 'app:1', 'nope')).status, 127)
  t.is(
    await done('run', '--rm', '-u', 'app', 'app:1', 'sh', '-c', 'id -u; grep CapEff /proc/self/status'),
    '1000\nCapEff:\t0000000000000000',
  )
  t.is(await done('run', '--rm', archive, 'echo', 'straight from the archive'), 'straight from the archive')
  t.is(
    await done(
      'run',
      '--rm',
      '--rootfs',
      'copy',
      '--network',
      'host',
      'app:1',
      'stat',
      '-c',
      '%u',
      '/home/app',
    ),
    '1000',
  )
})

check(titled('exec, logs, ps, cp, stop: what root can do with containers the user can'), async t => {
  await done(
    'run',
    '-d',
    '--name',
    'service',
    'app:1',
    'sh',
    '-c',
    'echo up; trap "exit 3" TERM; while :; do sleep 0.1; done',
  )
  t.is(await done('exec', '-u', 'app', 'service', 'id', '-u'), '1000')
  t.is(await done('exec', 'service', 'sh', '-c', 'echo in >/tmp/made; cat /tmp/made'), 'in')
  t.is(await done('logs', 'service'), 'up')
  t.regex(await done('ps'), /Up .* service/)
  await done('cp', 'service:/tmp/made', 'copied')
  t.is(readFileSync(join(user.home, 'copied'), 'utf8'), 'in\n')
  await done('cp', 'copied', 'service:/tmp/back')
  t.is(await done('exec', 'service', 'stat', '-c', '%U %u', '/tmp/back'), 'root 0')
  t.regex(await done('top', 'service'), /sleep|sh/)
  await done('stop', 'service')
  t.is(JSON.parse(await done('inspect', 'service', '--json')).state.exitCode, 3)
  await done('start', 'service')
  await done('kill', 'service')
  t.is(JSON.parse(await done('inspect', 'service', '--json')).state.exitCode, 137)
  t.regex(await done('diff', 'service'), /^A \/tmp\/back$/m)
  await done('rm', 'service')
})

check(
  titled('commit, export, save, snapshot: files belong to root and users of the container, not of the host'),
  async t => {
    const tar = join(user.home, 'out.tar')
    await done('export', 'first', '-o', tar)
    t.like(owners(tar), { mine: '0/0', 'home/app/his': '1000/1000', 'bin/busybox': '0/0' })
    await done('commit', 'first', 'made:1')
    t.is(await done('run', '--rm', 'made:1', 'stat', '-c', '%u', '/mine', '/home/app/his'), '0\n1000')
    await done('save', 'made:1', '-o', join(user.home, 'saved.tar'))
    run('mkdir', ['-p', join(user.home, 'layers')])
    run('tar', ['-C', join(user.home, 'layers'), '-xf', join(user.home, 'saved.tar')])
    const [{ Layers }] = JSON.parse(readFileSync(join(user.home, 'layers/manifest.json'), 'utf8'))
    t.like(owners(join(user.home, 'layers', Layers.at(-1))), { mine: '0/0', 'home/app/his': '1000/1000' })
    await done('snapshot', 'first', '-o', 'snapshot.tar')
    await done('restore', 'snapshot.tar', '--name', 'second')
    t.is(await done('export', 'second', '-o', tar), '')
    t.like(owners(tar), { mine: '0/0', 'home/app/his': '1000/1000' })
  },
)

check(titled('run: what an ordinary user cannot have is refused with a reason'), async t => {
  const refusals: readonly (readonly [words: readonly string[], reason: RegExp])[] = [
    [['-m', '64m'], /An ordinary user has no control groups here, and so no limits/],
    [['--cpus', '0.5'], /An ordinary user has no control groups here/],
    [['--pids-limit', '10'], /An ordinary user has no control groups here/],
    [
      ['--network', 'bridge'],
      /Network bridge needs root: an ordinary user's containers have no network, or the host's with --network host/,
    ],
    [['-p', '8080:80'], /Publishing ports needs root/],
    [['--rootfs', 'erofs'], /Linux mounts EROFS for root only/],
  ]
  for (const [words, reason] of refusals) {
    const { status, stderr } = await user.lading('run', '--rm', ...words, 'app:1', 'true')
    t.is(status, 125, stderr)
    t.regex(stderr, reason)
  }
  await done('run', '-d', '--name', 'sleeper', 'app:1', 'sleep', '1000')
  const stats = await user.lading('stats', '--no-stream', 'sleeper')
  t.is(stats.status, 1)
  t.regex(stats.stderr, /no statistics/)
  await done('rm', '-f', 'sleeper')
})

check(
  titled(
    'pause, commit, export: a container that goes on writing is caught in one moment, without control groups',
  ),
  async t => {
    // The two files are never more than one apart, by one who writes as fast as it can.
    const script = 'i=0; while :; do i=$((i+1)); echo $i >/tmp/one; echo $i >/tmp/two; done'
    await done('run', '-d', '--name', 'writer', 'app:1', 'sh', '-c', `(${script}) & wait`)
    await done('exec', '-d', 'writer', 'sh', '-c', 'while :; do echo more >>/tmp/more; done')
    for (let round = 0; round < 3; round++) {
      const tar = join(user.home, 'writer.tar')
      await done('export', 'writer', '-o', tar)
      const [one, two] = ['tmp/one', 'tmp/two'].map(name => Number(run('tar', ['-xOf', tar, name])))
      t.true(one === 0 || two === 0 || one! - two! === 0 || one! - two! === 1, `${one} and ${two}`)
    }
    await done('commit', 'writer', 'written:1')
    const count = async () => done('exec', 'writer', 'cat', '/tmp/one', '/tmp/more')
    const before = await count()
    t.not(await count(), before, 'it goes on')
    await done('pause', 'writer')
    t.regex(await done('ps'), /\(Paused\) +writer/)
    const copied = async () => {
      await done('cp', 'writer:/tmp/more', 'more')
      return readFileSync(join(user.home, 'more'), 'utf8').length
    }
    t.is(await copied(), await copied())
    t.regex((await user.lading('exec', 'writer', 'true')).stderr, /is paused/)
    await done('unpause', 'writer')
    t.not(await count(), before)
    await done('pause', 'writer')
    await done('rm', '-f', 'writer')
    await done('rmi', 'written:1')
  },
)

/** Everything of the user's, root of containers and their other users. */
const killAllOf = (): void => {
  for (const uid of [user.uid, user.range!.first + 999]) attempt('pkill', ['-KILL', '-U', String(uid)])
}

check(
  titled('ps, exec, start: after everything was killed, and after what holds the namespace was'),
  async t => {
    await done('run', '-d', '--name', 'lasting', 'app:1', 'sh', '-c', 'su app -c "sleep 1000"')
    const holder = () => JSON.parse(readFileSync(join(store(), 'rootless/holder.json'), 'utf8')).pid as number
    const first = holder()
    process.kill(first, 'SIGKILL')
    // Others go on in the namespace as long as a container is in it.
    t.is(await done('exec', 'lasting', 'id', '-u'), '0')
    t.is(holder(), first)
    killAllOf()
    t.regex(await done('ps', '-a', '--filter', 'name=lasting'), /Exited \(137\)/)
    await done('start', 'lasting')
    t.not(holder(), first)
    t.is(await done('exec', 'lasting', 'id', '-u'), '0')
    killAllOf()
    await done('prune')
    t.is((await user.lading('inspect', 'lasting')).status, 1)
  },
)

check(titled('info: says whose containers they are, and why what does not work does not'), async t => {
  const info = JSON.parse(await done('info', '--json'))
  t.is(info.rootless, `yes: IDs 0 to ${user.range!.count} of containers are IDs of yours on this host`)
  t.is(info.rootfs.kind, 'overlay')
  t.regex(info.controlGroups, /^none: An ordinary user has no control groups/)
  t.is(info.network, "none, or the host's with --network host: a bridge needs root")
})

check(titled('prune: nothing is left, no process and no file of another owner'), async t => {
  await done('prune')
  t.is(await done('ps', '-aq'), '')
  t.deepEqual(readdirSync(join(store(), 'containers')), [])
  t.deepEqual(readdirSync(join(store(), 'rootless')), ['lock'])
  const theirs = readdirSync('/proc').filter(
    pid =>
      /^\d+$/.test(pid) &&
      identify(Number(pid)) &&
      new RegExp(`^Uid:\\s+(?:${user.uid}|${user.range!.first + 999})\\s`, 'm').test(
        readFileSync(`/proc/${pid}/status`, 'utf8'),
      ),
  )
  t.deepEqual(theirs, [])
  await done('rmi', 'app:1', 'made:1')
  await done('prune')
  t.is(run('find', [store(), '!', '-uid', String(user.uid)]), '')
})

check(titled('run: a user without IDs for containers is told how to get them; images need none'), async t => {
  const other = makeTestUser('lading-test-b', { system: true })
  try {
    t.is(other.range, undefined)
    t.is((await other.lading('load', '-i', archive)).status, 0)
    const { status, stderr } = await other.lading('run', '--rm', 'app:1', 'true')
    t.not(status, 0)
    t.regex(
      stderr,
      /Cannot have containers as an ordinary user: \/etc\/subuid gives lading-test-b no range of IDs.*usermod --add-subuids/,
    )
    t.regex(
      (await other.lading('info')).stdout,
      /Rootless +not possible: Cannot have containers as an ordinary user/,
    )
    t.is((await other.lading('prune')).status, 0)
  } finally {
    other.remove()
  }
})
