import test from 'ava'
import type { ContainerFlags } from '../../src/runtime/container/flags.js'
import { merge } from '../../src/runtime/container/merge.js'
import type { ContainerSettings } from '../../src/runtime/settings.js'
import type { JsonObject } from '../../src/spec/json.js'

const id = 'abcdef0123456789'.repeat(4)
const image = {
  reference: 'app:1',
  place: 'store:',
  manifest: `sha256:${'1'.repeat(64)}`,
  id: `sha256:${'2'.repeat(64)}`,
}
const merged = (
  config: JsonObject,
  flags: ContainerFlags = {},
  env: NodeJS.ProcessEnv = {},
): ContainerSettings =>
  merge({ Cmd: ['sh'], ...config }, flags, { id, name: 'n', created: '2026-01-01T00:00:00Z', image, env })
const message = (config: JsonObject, flags: ContainerFlags): string => {
  try {
    merged(config, flags)
  } catch (error) {
    return (error as Error).message
  }
  return ''
}

// Image's ENTRYPOINT, image's CMD, --entrypoint, what follows the image: the program. As docker 20.10 does it.
const none = undefined
const matrix: readonly (readonly [
  entrypoint: readonly string[] | undefined,
  cmd: readonly string[] | undefined,
  flag: string | undefined,
  command: readonly string[],
  program: readonly string[] | 'no command',
])[] = [
  [none, none, none, [], 'no command'],
  [none, ['c', '1'], none, [], ['c', '1']],
  [none, ['c'], none, ['u', '2'], ['u', '2']],
  [['e'], none, none, [], ['e']],
  [['e', '0'], ['c'], none, [], ['e', '0', 'c']],
  [['e', '0'], ['c'], none, ['u'], ['e', '0', 'u']],
  [['e'], ['c'], 'f', [], ['f']],
  [['e'], ['c'], 'f', ['u'], ['f', 'u']],
  [['e'], ['c'], '', [], 'no command'],
  [['e'], ['c'], '', ['u'], ['u']],
  [none, ['c'], 'f', [], ['f']],
  [none, ['c'], '', [], 'no command'],
  [[''], ['c'], none, [], ['c']],
  [[], ['c'], none, [], ['c']],
]

for (const [entrypoint, cmd, flag, command, program] of matrix)
  test(`merge: ENTRYPOINT ${JSON.stringify(entrypoint)} CMD ${JSON.stringify(cmd)} --entrypoint ${JSON.stringify(flag)} ${JSON.stringify(command)} runs ${JSON.stringify(program)}`, t => {
    const config: JsonObject = { Entrypoint: entrypoint ?? null, Cmd: cmd ?? null }
    const flags = { command, ...(flag !== undefined && { entrypoint: flag }) }
    if (program === 'no command') t.regex(message(config, flags), /^No command specified/)
    else t.deepEqual(merged(config, flags).process.args, program)
  })

test("merge: the user's variables come first, the image's that he did not set after them, and both over the defaults", t => {
  const { env } = merged(
    { Env: ['A=image', 'B=image', 'PATH=/image'] },
    { env: ['A=user', 'HERE', 'GONE', 'C='], hostname: 'h' },
    { HERE: 'here' },
  ).process
  t.deepEqual(env, ['PATH=/image', 'HOSTNAME=h', 'A=user', 'HERE=here', 'C=', 'B=image'])
})

test('merge: PATH and HOSTNAME are there by default, TERM with a terminal', t => {
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  t.deepEqual(merged({}).process.env, [path, 'HOSTNAME=abcdef012345'])
  t.deepEqual(merged({}, { tty: true }).process.env, [path, 'HOSTNAME=abcdef012345', 'TERM=xterm'])
})

test('merge: the hostname is the beginning of the ID, user, workdir and stop signal are the image’s unless given', t => {
  const config = { User: 'app:staff', WorkingDir: 'srv/x', StopSignal: 'SIGQUIT' }
  const plain = merged(config)
  t.is(plain.hostname, 'abcdef012345')
  t.like(plain.process, { user: 'app:staff', cwd: '/srv/x', stopSignal: 'QUIT', stopTimeout: 10 })
  const given = merged(config, {
    ...{ user: '7', workdir: '/w/../v/', stopSignal: 'usr1', stopTimeout: '3', hostname: 'a.b' },
  })
  t.is(given.hostname, 'a.b')
  t.like(given.process, { user: '7', cwd: '/v', stopSignal: 'USR1', stopTimeout: 3 })
})

test('merge: labels are united, the user’s over the image’s', t => {
  const { labels } = merged({ Labels: { a: '1', b: '2' } }, { label: ['b=x=y', 'c'] })
  t.deepEqual(labels, { a: '1', b: 'x=y', c: '' })
})

test('merge: a volume without a name for each of the image’s that nothing is mounted on, in order of depth', t => {
  const { mounts } = merged(
    { Volumes: { '/data/deep/er': {}, '/cache': {} } },
    { volume: ['/host:/cache:ro', 'named:/data'], tmpfs: ['/run:size=1m'] },
  )
  t.deepEqual(mounts.slice(0, 3), [
    { type: 'bind', source: '/host', target: '/cache', readonly: true },
    { type: 'volume', volume: 'named', target: '/data', readonly: false },
    { type: 'tmpfs', target: '/run', options: 'size=1m' },
  ])
  t.like(mounts[3], { type: 'volume', target: '/data/deep/er' })
  t.regex((mounts[3] as { volume: string }).volume, /^[0-9a-f]{64}$/)
})

test('merge: memory, processors and the like are read as docker reads them', t => {
  const { resources } = merged(
    {},
    { memory: '64m', memorySwap: '-1', cpus: '.5', cpuShares: '512', cpusetCpus: '0', pidsLimit: '20' },
  )
  t.deepEqual(resources, {
    ...{ memory: 67_108_864, memorySwap: -1, nanoCpus: 500_000_000 },
    ...{ cpuShares: 512, cpusetCpus: '0', pids: 20 },
  })
  t.deepEqual(merged({}, { pidsLimit: '-1', memory: '1g' }).resources, { memory: 1 << 30 })
})

test('merge: -P publishes what the image exposes and -p has not said', t => {
  const { network } = merged(
    { ExposedPorts: { '80/tcp': {}, '53/udp': {}, '443/tcp': {} } },
    { publishAll: true, publish: ['8080:80'] },
  )
  t.deepEqual(
    network.ports.map(({ hostPort, containerPort, protocol }) => [hostPort, containerPort, protocol]),
    [
      [8080, 80, 'tcp'],
      [0, 53, 'udp'],
      [0, 443, 'tcp'],
    ],
  )
})

test('merge: no new privileges unless the user says so or the container is privileged', t => {
  t.true(merged({}).process.noNewPrivileges)
  t.false(merged({}, { securityOpt: ['no-new-privileges=false'] }).process.noNewPrivileges)
  t.like(merged({}, { privileged: true }).process, { noNewPrivileges: false, seccomp: 'unconfined' })
  t.is(merged({}, { securityOpt: ['seccomp=unconfined'] }).process.seccomp, 'unconfined')
})

const refusals: readonly (readonly [flags: ContainerFlags, words: RegExp])[] = [
  [{ memory: '1x' }, /^Invalid argument "1x" for "-m, --memory" flag: invalid size: '1x'$/],
  [{ memory: '4m' }, /^Minimum memory limit allowed is 6MB$/],
  [{ memorySwap: '64m' }, /^You should always set the Memory limit when using Memoryswap limit/],
  [{ memory: '64m', memorySwap: '32m' }, /^Minimum memoryswap limit should be larger than memory limit/],
  [{ cpus: '1000' }, /^Range of CPUs is from 0\.01 to \d+\.00, as there are only \d+ CPUs available$/],
  [{ workdir: 'relative' }, /^The working directory 'relative' is invalid, it needs to be an absolute path$/],
  [{ volume: ['a:b:c:d'] }, /invalid volume specification: 'a:b:c:d'/],
  [{ volume: ['/a:b'] }, /invalid mount path: 'b' mount path must be absolute/],
  [{ volume: ['/a:/b:rx'] }, /invalid mode: rx/],
  [{ volume: ['/a:/'] }, /destination can't be '\/'/],
  [{ volume: ['/a:/b', '/c:/b/'] }, /^Duplicate mount point: \/b$/],
  [{ volume: ['a@b:/c'] }, /includes invalid characters for a local volume name/],
  [{ tmpfs: ['/t:bad'] }, /Unknown option "bad" of a tmpfs/],
  [{ env: ['=x'] }, /invalid environment variable: =x/],
  [{ envFile: ['/nowhere/env'] }, /no such file or directory$/],
  [{ hostname: '-x' }, /^Invalid hostname format: -x$/],
  [{ stopSignal: 'NOPE' }, /^Invalid signal: NOPE$/],
  [{ network: 'mine' }, /^Network mine not found/],
  [{ ulimit: ['nofile=5:1'] }, /soft limit must be less than or equal to hard limit: 5 > 1/],
  [{ ulimit: ['files=5'] }, /invalid ulimit type: files/],
  [{ capAdd: ['FLY'] }, /Unknown capability "FLY"/],
  [{ securityOpt: ['magic'] }, /Invalid argument "magic" for "--security-opt" flag/],
  [{ addHost: ['x:y'] }, /invalid IP address in add-host: "y"/],
  [{ dns: ['x'] }, /x is not an ip address/],
  [{ runtime: 'kata' }, /unknown or invalid runtime name: kata/],
  [{ rootfs: 'zfs' }, /wanted erofs, overlay or copy/],
]

for (const [flags, words] of refusals)
  test(`merge: ${JSON.stringify(flags)} is refused in docker's words`, t => {
    t.regex(message({}, flags), words)
  })
