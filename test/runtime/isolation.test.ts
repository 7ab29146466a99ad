import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { readGroupMounts } from '../../src/runtime/cgroup/group-mounts.js'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { versionTwo } from '../../src/runtime/cgroup/v2.js'
import { masks } from '../../src/runtime/launcher/masks.js'
import { limitsOf } from '../../src/runtime/launcher/rlimits.js'
import { type Ground, makeGround, missingForContainers, runContainer, runShell } from './run-container.js'

const when = missingForContainers === undefined ? test : test.skip
const why = missingForContainers === undefined ? '' : ` [skipped: ${missingForContainers}]`

/** A test with a root file system of its own. */
const onGround = (
  title: string,
  body: (t: import('ava').ExecutionContext, ground: Ground) => Promise<void>,
) =>
  when(`${title}${why}`, async t => {
    const ground = makeGround()
    try {
      await body(t, ground)
    } finally {
      ground.remove()
    }
  })

const namespace = (kind: string) => `$(readlink /proc/self/ns/${kind})`

onGround('containerSteps: a program runs with its exit status, input and output', async (t, ground) => {
  const run = await runShell(ground, 'cat; echo error >&2; exit 42', {}, {}, { input: 'hello\n' })
  t.is(run.failure, undefined)
  t.deepEqual([run.status, run.stdout, run.stderr], [42, 'hello\n', 'error\n'])
  t.is(run.reports.length, 2)
  t.true(run.reports[0]! > 1, 'its number on the host')
  t.is(run.reports[1], 42 << 8)
})

onGround('containerSteps: a program that a signal ends gives 128 and the signal', async (t, ground) => {
  const script = 'sh -c "kill -9 \\$\\$"; exit $?'
  t.is((await runShell(ground, script)).status, 137)
})

onGround(
  'containerSteps: what is not there gives 127, what is not to be run 126, and why',
  async (t, ground) => {
    writeFileSync(join(ground.tree, 'bin/plain'), 'no program', { mode: 0o644 })
    writeFileSync(join(ground.tree, 'bin/garbage'), '\x01\x02', { mode: 0o755 })
    mkdirSync(join(ground.tree, 'bin/folder'))
    const cases = [
      ['nope', 127, 2],
      ['/nope', 127, 2],
      ['/bin/busybox/x', 127, 20],
      // A PATH leads past what cannot be run.
      ['plain', 127, 2],
      ['folder', 127, 2],
      ['/bin/plain', 126, 13],
      ['/bin/folder', 126, 13],
      ['/bin/garbage', 126, 8],
      ['garbage', 126, 8],
    ] as const
    for (const [program, status, errno] of cases) {
      const run = await runContainer(ground, { process: { args: [program] } })
      t.is(run.status, status, program)
      t.deepEqual(
        run.reports.filter(report => report < 0),
        [-errno],
        program,
      )
    }
  },
)

onGround('containerSteps: namespaces of its own, pid 1, its host name', async (t, ground) => {
  const kinds = ['mnt', 'uts', 'ipc', 'pid', 'net', 'cgroup']
  const run = await runShell(ground, `echo $$; hostname; echo ${kinds.map(namespace).join(' ')}`)
  const [pid, host, names] = run.stdout.trim().split('\n')
  t.deepEqual([pid, host], ['1', 'isolated'])
  const own = await Promise.all(
    kinds.map(async kind => (await import('node:fs/promises')).readlink(`/proc/self/ns/${kind}`)),
  )
  for (const [index, name] of names!.split(' ').entries()) t.not(name, own[index], kinds[index])
})

onGround('containerSteps: 14 capabilities, the seccomp filter, no new privileges', async (t, ground) => {
  const status = (await runShell(ground, 'cat /proc/self/status')).stdout
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]
  for (const set of ['CapPrm', 'CapEff', 'CapBnd']) t.is(field(set), '00000000a80425fb')
  for (const set of ['CapInh', 'CapAmb']) t.is(field(set), '0000000000000000')
  t.is(field('NoNewPrivs'), '1')
  t.is(field('Seccomp'), '2')
  const refused = await runShell(ground, 'unshare -U true 2>&1; unshare -m true 2>&1')
  t.is(refused.stdout.match(/Operation not permitted/g)?.length, 2)
})

onGround(
  'containerSteps: a user other than root has no capabilities, and the groups given',
  async (t, ground) => {
    const user = { uid: 1000, gid: 1001, groups: [1001, 10], home: '/' }
    const run = await runShell(ground, 'id; grep Cap /proc/self/status', {}, { user })
    t.regex(run.stdout, /^uid=1000\S* gid=1001 groups=1001,10|^uid=1000\S* gid=1001 groups=10,1001/)
    t.regex(run.stdout, /CapEff:\s*0000000000000000\nCapBnd:\s*00000000a80425fb/)
  },
)

onGround('containerSteps: without no_new_privs the filter is there all the same', async (t, ground) => {
  const run = await runShell(ground, 'grep -E "NoNew|Seccomp:" /proc/self/status', {
    process: { noNewPrivileges: false },
  })
  t.regex(run.stdout, /NoNewPrivs:\s*0\nSeccomp:\s*2/)
})

onGround('containerSteps: masked paths are empty, /proc/sys and /sys are read-only', async (t, ground) => {
  const there = masks.map(({ in: where, path }) => `/${where}/${path}`).filter(path => existsSync(path))
  const look = there.map(path => `{ ls -A ${path}; cat ${path}; } 2>/dev/null | grep -v ^${path}$ | wc -c`)
  const run = await runShell(ground, look.join('; '))
  t.deepEqual(
    run.stdout.trim().split('\n'),
    there.map(() => '0'),
  )
  const writes = ['/proc/sys/kernel/core_pattern', '/proc/irq/x', '/sys/x', '/proc/bus/x', '/sys/fs/cgroup/x']
  const written = await runShell(ground, writes.map(path => `echo x > ${path}`).join('; '))
  t.is(
    written.stderr.match(/Read-only file system|Directory nonexistent|nonexistent/g)?.length,
    writes.length,
  )
})

for (const version of [1, 2] as const)
  onGround(
    `containerSteps: in control groups of version ${version} a disk of the host can be made and not opened`,
    async (t, ground) => {
      const { unified } = readGroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
      if (version === 2 && unified === undefined) {
        t.pass('version 2 is not mounted')
        return
      }
      const groups = version === 1 ? hostControlGroups() : versionTwo(unified!)
      const id = `test-isolation-${process.pid}-${version}`
      const group = await groups.make(id, { resources: {}, anyDevice: false })
      try {
        const run = await runShell(
          ground,
          'mknod /disk b 254 0 && echo made; head -c1 /disk; head -c4 /dev/urandom | wc -c; cat /proc/self/cgroup',
          {},
          { cgroup: group.entry },
        )
        t.is(run.failure, undefined)
        t.regex(run.stdout, /^made\n4\n/)
        t.regex(run.stderr, /disk: Operation not permitted/)
        t.notRegex(run.stdout, /lading/)
      } finally {
        await group.killAll()
        await group.remove()
      }
    },
  )

onGround(
  'containerSteps: only its own descriptors, the mounts of Docker, a root and nothing behind it',
  async (t, ground) => {
    const run = await runShell(ground, 'ls /proc/self/fd; ls /dev; mount | sed "s/ (.*//"; ls /proc/1/root/')
    const lines = run.stdout.split('\n')
    // 3 is the folder that ls reads.
    t.deepEqual(lines.slice(0, 4), ['0', '1', '2', '3'])
    const devices = 'core fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero'
    t.deepEqual(lines.slice(4, 4 + devices.split(' ').length), devices.split(' '))
    for (const mount of ['proc on /proc type proc', 'sysfs on /sys type sysfs', 'tmpfs on /dev type tmpfs'])
      t.true(lines.includes(mount), mount)
    t.false(run.stdout.includes(ground.folder))
  },
)

onGround(
  'containerSteps: WORKDIR is made when missing, and may not be a door to the host (CVE-2024-21626)',
  async (t, ground) => {
    t.is(
      (await runShell(ground, 'pwd; stat -c %a:%u .', { process: { cwd: '/made/deep' } })).stdout,
      '/made/deep\n755:0\n',
    )
    symlinkSync('/tmp', join(ground.tree, 'link'))
    t.is((await runShell(ground, 'pwd -P', { process: { cwd: '/link' } })).stdout, '/tmp\n')
    for (let number = 3; number < 12; number++) {
      const run = await runShell(ground, 'pwd; ls', { process: { cwd: `/proc/self/fd/${number}` } })
      t.is(run.status, 125)
      t.regex(run.failure!.step, /^open the working directory/)
      t.is(run.stdout, '')
    }
  },
)

for (const path of ['/proc', '/sys', '/dev'])
  onGround(
    `containerSteps: an image with a link at ${path} is refused (CVE-2019-19921)`,
    async (t, ground) => {
      symlinkSync('/tmp', join(ground.tree, path.slice(1)))
      const run = await runShell(ground, 'echo never')
      t.is(run.stdout, '')
      t.deepEqual(run.failure, { step: `open ${path}, which must be a folder and no link`, errno: 'ENOTDIR' })
    },
  )

onGround(
  'containerSteps: files of /etc are put over links of the image without following them',
  async (t, ground) => {
    const victim = join(ground.folder, 'victim')
    writeFileSync(victim, 'untouched')
    symlinkSync(victim, join(ground.tree, 'etc/hosts'))
    symlinkSync(`../../../../../..${victim}`, join(ground.tree, 'etc/resolv.conf'))
    const source = join(ground.folder, 'hosts')
    writeFileSync(source, 'ours\n')
    const files = ['/etc/hosts', '/etc/resolv.conf'].map(target => ({ source, target }))
    const run = await runShell(
      ground,
      'cat /etc/hosts /etc/resolv.conf; echo more >> /etc/hosts',
      {},
      { files },
    )
    t.is(run.stdout, 'ours\nours\n')
    t.is(readFileSync(victim, 'utf8'), 'untouched')
    t.is(readFileSync(source, 'utf8'), 'ours\nmore\n')
  },
)

onGround('containerSteps: /etc that leads out of the root leads nowhere', async (t, ground) => {
  const outside = join(ground.folder, 'outside')
  mkdirSync(outside)
  rmSync(join(ground.tree, 'etc'), { recursive: true })
  symlinkSync(outside, join(ground.tree, 'etc'))
  const source = join(ground.folder, 'hosts')
  writeFileSync(source, 'ours\n')
  const run = await runShell(ground, 'true', {}, { files: [{ source, target: '/etc/hosts' }] })
  t.is(run.status, 125)
  t.false(existsSync(join(outside, 'hosts')))
})

onGround(
  'containerSteps: binds, read-only ones, files, and tmpfs are where they should be',
  async (t, ground) => {
    const source = join(ground.folder, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'of the host\n')
    const run = await runShell(
      ground,
      'cat /a/file /b/c/file /one; echo new > /a/new; echo x > /b/c/x; touch /t/x && stat -c %a /t; mount | grep /t',
      { mounts: [{ type: 'tmpfs', target: '/t', options: 'size=1m,mode=1750' }] },
      {
        binds: [
          { source, target: '/b/c', readonly: true, is: 'folder' },
          { source, target: '/a', readonly: false, is: 'folder' },
          { source: join(source, 'file'), target: '/one', readonly: true, is: 'file' },
        ],
      },
    )
    t.is(run.failure, undefined)
    t.regex(
      run.stdout,
      /^(of the host\n){3}1750\ntmpfs on \/t type tmpfs \(rw,nosuid,nodev,noexec,.*size=1024k/,
    )
    t.regex(run.stderr, /\/b\/c\/x: Read-only file system/)
    t.true(existsSync(join(source, 'new')))
  },
)

onGround(
  'containerSteps: the target of a bind does not follow a link out of the root (CVE-2021-30465)',
  async (t, ground) => {
    const outside = join(ground.folder, 'outside')
    mkdirSync(outside)
    symlinkSync(outside, join(ground.tree, 'data'))
    const run = await runShell(
      ground,
      'true',
      {},
      {
        binds: [{ source: ground.tree, target: '/data/deep', readonly: false, is: 'folder' }],
      },
    )
    t.is(run.status, 125)
    t.false(existsSync(join(outside, 'deep')))
    t.throws(() => runShell(ground, '', { mounts: [{ type: 'tmpfs', target: '/proc/sys', options: '' }] }), {
      message: /^Cannot mount at "\/proc\/sys"/,
    })
  },
)

onGround('containerSteps: a read-only root, with mounts that can be written', async (t, ground) => {
  const run = await runShell(ground, 'touch /x; touch /dev/shm/x && echo ok', {
    rootfs: { kind: 'copy', readonly: true },
  })
  t.is(run.stdout, 'ok\n')
  t.regex(run.stderr, /\/x: Read-only file system/)
})

onGround(
  'containerSteps: limits of processes are set, and lowered to what the host allows',
  async (t, ground) => {
    const limits = limitsOf([{ name: 'nofile', soft: 77, hard: 99 }], {
      limits: readFileSync('/proc/self/limits', 'utf8'),
      mayRaise: false,
    })
    t.is((await runShell(ground, 'ulimit -Sn; ulimit -Hn', {}, { limits })).stdout, '77\n99\n')
  },
)

onGround(
  'containerSteps: an init hands on signals, reaps, and ends as the program does',
  async (t, ground) => {
    const zombies = '(sleep 0.05 & exec true) ; sleep 0.3; ps | grep -c "\\[sleep\\]"; ps | head -3; exit 7'
    const run = await runShell(ground, zombies, { process: { init: true } })
    t.regex(run.stdout, /^0\n/)
    t.regex(run.stdout, /\n\s+1 \S+ .*lading-launcher/)
    t.is(run.status, 7)
    const trapped = await runShell(
      ground,
      'trap "exit 5" TERM; touch /ready; while :; do sleep 0.05; done',
      { process: { init: true } },
      {},
      {
        started: async pid => {
          while (!existsSync(join(ground.tree, 'ready'))) await pause(10)
          process.kill(pid, 'SIGTERM')
        },
      },
    )
    t.is(trapped.status, 5)
  },
)

onGround('containerSteps: a privileged container has all that this process has', async (t, ground) => {
  const run = await runShell(
    ground,
    'grep -E "CapEff|Seccomp:" /proc/self/status; mount | grep -E "proc|sysfs"',
    {
      process: { privileged: true },
    },
  )
  const own = /CapEff:\s*(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]
  t.is(run.failure, undefined)
  t.regex(run.stdout, new RegExp(`CapEff:\\s*${own}\nSeccomp:\\s*0`))
  t.regex(run.stdout, /sysfs on \/sys type sysfs \(rw/)
  t.notRegex(run.stdout, /\/proc\/sys/)
})

onGround(
  'containerSteps: with the host network there is no network namespace, with none only the loopback',
  async (t, ground) => {
    const host = await runShell(ground, 'ls /sys/class/net', { network: { mode: 'host', ports: [] } })
    t.true(host.stdout.includes('lo'))
    const none = await runShell(
      ground,
      'ls /sys/class/net; ip addr show lo; cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
    )
    t.regex(none.stdout, /^lo\n/)
    t.regex(none.stdout, /UP[\s\S]*127\.0\.0\.1[\s\S]*\n0\n$/)
  },
)

onGround('containerSteps: a netlink request that is refused is told with its errno', async (t, ground) => {
  // RTM_DELLINK of an interface that is not there: nlmsghdr, then ifinfomsg.
  const bytes = Buffer.alloc(32)
  bytes.writeUInt32LE(32, 0)
  bytes.writeUInt16LE(17, 4)
  bytes.writeUInt16LE(1 | 4, 6)
  bytes.writeInt32LE(4711, 20)
  const run = await runShell(
    ground,
    'true',
    {},
    {
      network: { wait: false, messages: [{ name: 'remove interface 4711', bytes }] },
    },
  )
  t.deepEqual(run.failure, { step: 'remove interface 4711', errno: 'ENODEV' })
  t.is(run.status, 125)
})

onGround('containerSteps: it waits for the host, and ends when the host is gone', async (t, ground) => {
  const network = { wait: true, messages: [] }
  const run = await runShell(
    ground,
    'echo on',
    {},
    { network },
    {
      started: (_, launched) => {
        launched.order(Uint8Array.of(1))
      },
    },
  )
  t.is(run.stdout, 'on\n')
  const alone = await runShell(
    ground,
    'echo on',
    {},
    { network },
    {
      started: (_, launched) => launched.closeOrders(),
    },
  )
  t.deepEqual([alone.stdout, alone.status], ['', 125])
})

onGround('containerSteps: nothing is left on the host', async (t, ground) => {
  await runShell(ground, 'true')
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
  t.false(mounts.includes(ground.folder))
  t.true(statSync(join(ground.folder, 'mount')).isDirectory())
  renameSync(join(ground.folder, 'mount'), join(ground.folder, 'moved'))
})
