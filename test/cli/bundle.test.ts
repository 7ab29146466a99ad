import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { archiveOf, busyboxEntries, defaultConfig, imageOf, noBusybox } from '../helpers/busybox-image.js'
import { attempt, has, isRoot, lading } from '../helpers/programs.js'

const missing =
  process.platform !== 'linux' ? 'not on Linux' : isRoot ? noBusybox : 'files of all owners need root'
const when = (missing: string | undefined) => (missing === undefined ? test.serial : test.serial.skip)
const why = (missing: string | undefined) => (missing === undefined ? '' : ` [skipped: ${missing}]`)

let folder: string
const own = (...args: readonly string[]) => lading(['--store', join(folder, 'store'), ...args])

test.before(async () => {
  if (missing) return
  folder = mkdtempSync(join(tmpdir(), 'lading-bundle-'))
  const config = {
    ...defaultConfig,
    ...{ User: 'app', WorkingDir: '/work', Env: [...defaultConfig.Env, 'COLOUR=red'] },
    Volumes: { '/data': {} },
    Entrypoint: ['/bin/sh', '-c'],
    Cmd: ['exit 9'],
  }
  const files = [
    { name: 'work/', owner: 1000 },
    { name: 'work/gone', body: 'x' },
    { name: 'data/', owner: 1000 },
    { name: 'bin/tool', body: '#!/bin/sh\n', mode: 0o4755 },
  ]
  const image = await imageOf([busyboxEntries(), files, [{ name: 'work/.wh.gone' }]], config)
  writeFileSync(join(folder, 'app.tar'), await archiveOf({ 'bench/app:1': image }))
})

test.after.always(() => {
  if (folder) rmSync(folder, { recursive: true, force: true })
})

const script = `id -u; id -G; pwd; ls -A; hostname; cat /etc/hostname; grep -c localhost /etc/hosts; echo $COLOUR $HOME
  grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\n' ' '; echo
  touch /data/x && echo data; touch /sys/x 2>/dev/null || echo ro; ls /sys/class/net; wc -c < /proc/keys; echo $$
  mkdir /tmp/x 2>&1; echo error >&2; exit 42`
const profile = ['--security-opt', 'seccomp=test/runtime/isolation/seccomp.json']

const notThere = {
  runc: 'runc is not installed',
  crun: 'crun is left out: podman would take it, and cannot run with it on hosts with control groups of both versions',
}
for (const runtime of ['runc', 'crun'] as const) {
  const absent = missing ?? (has(runtime) ? undefined : notThere[runtime])
  when(absent)(`bundle: ${runtime} runs what is written, as isolated as by the launcher${why(absent)}`, t => {
    const bundle = join(folder, runtime)
    const flags = ['-h', 'boxed', '--ulimit', 'nofile=77:99', '--pids-limit', '50', ...profile, '-o', bundle]
    const written = own('bundle', ...flags, join(folder, 'app.tar'), script)
    t.deepEqual([written.status, written.stdout, written.stderr], [0, `${bundle}\n`, ''])
    t.deepEqual(readdirSync(bundle).sort(), ['config.json', 'hostname', 'hosts', 'resolv.conf', 'rootfs'])
    // crun refuses a host that has control groups of both versions.
    const start = `[ ! -d /sys/fs/cgroup/unified ] || umount /sys/fs/cgroup/unified; exec "$@"`
    const name = `lading-${runtime}-${process.pid}`
    const state = join(folder, `${runtime}.state`)
    const ran = attempt('unshare', [
      ...['--mount', 'sh', '-c', start, 'sh', runtime, '--root', state],
      ...['run', '--bundle', bundle, name],
    ])
    t.is(ran.stderr, 'error\n')
    t.deepEqual(ran.stdout.split('\n'), [
      ...['1000', '1000 29 100', '/work', 'boxed', 'boxed', '2', 'red /home/app'],
      'CapEff:\t0000000000000000 CapBnd:\t00000000a80425fb NoNewPrivs:\t1 Seccomp:\t2 ',
      ...['data', 'ro', 'lo', '0', '1', "mkdir: can't create directory '/tmp/x': Read-only file system", ''],
    ])
    t.is(ran.status, 42)
  })
}

when(missing)(`bundle: the same image and flags give the same config.json${why(missing)}`, t => {
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  for (const bundle of [a, b]) t.is(own('bundle', '-o', bundle, join(folder, 'app.tar')).status, 0)
  const text = readFileSync(join(a, 'config.json'), 'utf8')
  t.is(readFileSync(join(b, 'config.json'), 'utf8'), text)
  const config = JSON.parse(text)
  t.deepEqual(config.process.args, ['/bin/sh', '-c', 'exit 9'])
  t.false('cgroupsPath' in config.linux, 'several containers of one bundle have groups of their own')
  t.is(attempt('stat', ['-c', '%a', join(a, 'rootfs/bin/tool')]).stdout, '4755\n')
})

when(missing)(`bundle: what a bundle cannot say is refused, and leaves nothing${why(missing)}`, t => {
  const app = join(folder, 'app.tar')
  const target = join(folder, 'refused')
  for (const [flags, message] of [
    [['--network', 'bridge'], 'A bundle cannot have the bridge: use --network none or host'],
    [['--init'], 'A bundle cannot have an init: run without --init, or by the launcher'],
    [['-v', 'named:/data'], 'A bundle cannot have the volume named'],
    [['-u', 'nobody-there'], 'Unable to find user nobody-there'],
  ] as const) {
    const { status, stderr } = own('bundle', ...flags, '-o', target, app)
    t.is(status, 1, message)
    t.true(stderr.includes(message), stderr)
    t.false(existsSync(join(target, 'rootfs')), message)
    t.deepEqual(readdirSync(target), [])
  }
  mkdirSync(join(folder, 'full/kept'), { recursive: true })
  const full = own('bundle', '-o', join(folder, 'full'), app)
  t.is(full.status, 1)
  t.regex(full.stderr, /it holds kept; give a folder that is empty/)
  t.is(own('bundle', app).status, 2)
})
