/**
 * Images that would lead a careless runtime out of the container: what stands where file systems, files and programs are to go,
 * and what its configuration asks for. `victim` is a folder of the host with a secret in it.
 */
import type { TestEntry } from '../../helpers/generate.js'
import type { RuntimeName } from './check.js'

/** `safe`: it runs, and saw and changed nothing of the host. `refused`: it does not start. `hangs`: neither, for some seconds. */
export type HostileOutcome = 'safe' | 'refused' | 'hangs'

export interface HostileImage {
  readonly name: string
  readonly why: string
  readonly entries?: readonly TestEntry[]
  readonly config?: Readonly<Record<string, unknown>>
  readonly flags?: HostileFlags
  /** For the shell, before it says that it is well: what the image is to be used for. */
  readonly run?: string
  /** Of all runtimes, if absent. */
  readonly runtimes?: readonly RuntimeName[]
  readonly outcome: HostileOutcome
  readonly differs?: Partial<Record<RuntimeName, HostileOutcome>>
}

export interface HostileFlags {
  readonly volume?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly tty?: boolean
}

export const victim = `/var/tmp/lading-victim-${process.pid}`
export const secret = 'not for containers'
const up = '../'.repeat(12)

const link = (name: string, linkname: string): TestEntry => ({ name, type: 'symlink', linkname })
const linked = (name: string, target: string) => [link(name, target)]

export const outcomeIn = ({ outcome, differs }: HostileImage, runtime: RuntimeName): HostileOutcome =>
  differs?.[runtime] ?? outcome

const mountLinks: readonly HostileImage[] = ['proc', 'sys', 'dev', 'etc'].flatMap(name => [
  {
    name: `/${name} is a symbolic link out`,
    why: 'a mount, or a file to mount on, goes where the link leads (CVE-2019-19921, CVE-2023-27561)',
    entries: linked(name, `${up}${victim.slice(1)}`),
    outcome: 'safe',
  },
  {
    name: `/${name} is a FIFO`,
    why: 'who opens it waits for ever',
    entries: [{ name, type: 'fifo' as const }],
    outcome: 'safe',
  },
])

const fileLinks: readonly HostileImage[] = [
  ...['etc/hosts', 'etc/hostname', 'etc/resolv.conf', 'etc/mtab', '.dockerenv'],
  ...['dev/null', 'dev/pts', 'dev/shm', 'dev/mqueue', 'dev/console', 'dev/ptmx'],
  ...['proc/kcore', 'proc/sys', 'proc/sysrq-trigger', 'sys/firmware', 'sys/fs/cgroup'],
].map(name => ({
  name: `/${name} is a symbolic link out`,
  why: name.startsWith('etc')
    ? 'a file is put there, or a mount over it'
    : 'what is mounted, masked or made there is written through it (CVE-2025-31133, CVE-2025-52565)',
  entries: linked(name, `${up}${victim.slice(1)}/secret`),
  run:
    name.startsWith('proc/') || name.startsWith('sys/') ? '' : `echo changed 2>/dev/null > /${name} || true`,
  outcome: 'safe',
}))

/** With a terminal: its other end is opened by the runtime, on the host, and shown as /dev/console. */
const terminalLinks: readonly HostileImage[] = ['dev', 'dev/pts', 'dev/pts/0', 'dev/ptmx', 'dev/console'].map(
  name => ({
    name: `/${name} is a symbolic link out, with a terminal`,
    why: 'what is opened or mounted there is of the host (CVE-2025-52565, CVE-2026-41579); runc takes no terminal from lading',
    entries: linked(name, `${up}${victim.slice(1)}${name === 'dev' ? '' : '/secret'}`),
    flags: { tty: true },
    run: '[ -c /dev/console ] && [ "$(tty)" = /dev/pts/0 ]',
    runtimes: ['launcher', 'docker'] as const,
    outcome: 'safe' as const,
  }),
)

const app = { User: 'app' }

export const hostileImages: readonly HostileImage[] = [
  ...mountLinks,
  ...fileLinks,
  ...terminalLinks,
  {
    name: '/dev/null is a file',
    why: 'masks are made of it: a runtime must look whether it is the device (CVE-2025-31133)',
    entries: [{ name: 'dev/null', body: 'not a device' }],
    run: '[ -c /dev/null ]',
    outcome: 'safe',
  },
  {
    name: '/dev/null is a disk',
    why: 'an image may hold any device; none but the known ones may be opened',
    entries: [
      { name: 'dev/null', type: 'block-device', device: [8, 0], mode: 0o666 },
      { name: 'disk', type: 'block-device', device: [254, 0], mode: 0o666 },
    ],
    run: '[ -c /dev/null ] && ! head -c 1 /disk',
    outcome: 'safe',
  },
  {
    name: '/etc/hosts is a folder',
    why: 'a file is to be mounted there',
    entries: [{ name: 'etc/hosts/' }],
    outcome: 'refused',
  },
  {
    name: '/tmp is a symbolic link out, with --tmpfs /tmp',
    why: 'a mount target is looked up in the container (CVE-2021-30465); the launcher makes no folder where a link leads to nothing',
    entries: [{ name: '.wh.tmp' }, link('tmp', victim)],
    flags: { tmpfs: ['/tmp'] },
    run: 'touch /tmp/x',
    outcome: 'safe',
    differs: { launcher: 'refused' },
  },
  {
    name: 'a volume through symbolic links',
    why: 'its folder is made where the links lead; the launcher makes no folder where a link leads to nothing',
    entries: [link('a', '/b'), link('b', `${up}${victim.slice(1)}`)],
    flags: { volume: [`${victim}-volume:/a/new/deep`] },
    run: 'touch /a/new/deep/x',
    outcome: 'safe',
    differs: { launcher: 'refused' },
  },
  {
    name: 'a tmpfs on a chain of links to /proc',
    why: 'mounts below /proc and /sys would hide what is masked: the launcher refuses them',
    entries: [link('a', '/proc/1')],
    flags: { tmpfs: ['/a/attr'] },
    outcome: 'safe',
    differs: { launcher: 'refused' },
  },
  {
    name: 'VOLUME through a symbolic link',
    why: 'what is in the folder is copied into the volume: of the host, if the link were followed; the launcher makes no folder where a link leads to nothing',
    entries: [link('data', victim)],
    config: { Volumes: { '/data': {} } },
    run: 'cat /data/* || true',
    outcome: 'safe',
    differs: { launcher: 'refused' },
  },
  {
    name: 'VOLUME with symbolic links in it',
    why: 'what is in the folder is copied into the volume, on the host',
    entries: [{ name: 'data/' }, link('data/folder', victim), link('data/file', `${victim}/secret`)],
    config: { Volumes: { '/data': {} } },
    run: '[ -L /data/folder ] && [ -L /data/file ] && ! cat /data/file && ! touch /data/folder/x',
    outcome: 'safe',
  },
  ...['/proc', '/proc/sys', '/proc/self/attr'].map(
    (target): HostileImage => ({
      name: `a volume at ${target}`,
      why: 'a /proc that was prepared answers for the kernel: labels and settings are written there (CVE-2025-52881, CVE-2023-28642)',
      flags: { volume: [`${victim}-volume:${target}`] },
      outcome: 'refused',
    }),
  ),
  ...[3, 7, 8].map(
    (descriptor): HostileImage => ({
      name: `WORKDIR /proc/self/fd/${descriptor}`,
      why: "a descriptor that was left open leads to the host's files (CVE-2024-21626)",
      config: { WorkingDir: `/proc/self/fd/${descriptor}` },
      run: `cat ../../../../../../..${victim}/secret || true`,
      outcome: 'refused',
    }),
  ),
  {
    name: 'WORKDIR through a symbolic link',
    why: 'it is made when it is not there; only docker makes it where a link leads to nothing',
    entries: linked('work', `${up}${victim.slice(1)}`),
    config: { WorkingDir: '/work/new' },
    outcome: 'safe',
    differs: { launcher: 'refused', runc: 'refused' },
  },
  {
    name: 'WORKDIR upwards',
    why: 'paths of the configuration are no better than those of the image',
    config: { WorkingDir: `/../../../..${victim}/new` },
    outcome: 'safe',
  },
  ...['4294967296', '4294967295', '-1', '18446744073709551616', '0x0', 'app:4294967296'].map(
    (user): HostileImage => ({
      name: `USER ${user}`,
      why: 'numbers that do not fit become root, or everybody, where they are cut',
      config: { User: user },
      run: '[ "$(id -u)" != 0 ]',
      outcome: 'refused',
    }),
  ),
  {
    name: 'USER 1001, which is the name of another in /etc/passwd',
    why: 'a number is a number (CVE-2016-3697)',
    config: { User: '1001' },
    run: '[ "$(id -u)" = 1001 ]',
    outcome: 'safe',
  },
  {
    name: 'USER app, who is in groups',
    why: 'where a group refuses what others may, its absence gives more (CVE-2022-36109, CVE-2023-25173)',
    config: app,
    run: `[ "$(id -G | tr ' ' '\\n' | sort -n | tr '\\n' ' ')" = "29 100 1000 " ]`,
    outcome: 'safe',
  },
  {
    name: 'USER app:daemon',
    why: 'with a group that is named, the others do not count',
    config: { User: 'app:daemon' },
    run: '[ "$(id -G)" = 1 ]',
    outcome: 'safe',
  },
  {
    name: 'USER app, without capabilities to inherit',
    why: 'programs with file capabilities would get them (CVE-2022-24769, CVE-2022-29162)',
    config: app,
    run: 'for set in Inh Prm Eff Amb; do grep -q "^Cap$set:.0000000000000000$" /proc/self/status; done',
    outcome: 'safe',
  },
  {
    name: '/etc/passwd gives root to a user',
    why: 'it is what the image says, and allowed; the number is what counts',
    entries: [{ name: 'etc/passwd', body: 'app:x:0:0::/:/bin/sh\n' }],
    config: app,
    outcome: 'safe',
  },
  ...(
    [
      ['a FIFO', { name: 'etc/passwd', type: 'fifo' }],
      ['a folder', { name: 'etc/passwd/' }],
      ['a symbolic link out', link('etc/passwd', `${up}${victim.slice(1)}/passwd`)],
      ['a link to itself', link('etc/passwd', 'passwd')],
      ['a terminal', { name: 'etc/passwd', type: 'character-device', device: [5, 0] }],
      ['very large', { name: 'etc/passwd', body: Buffer.alloc(16 << 20, 'x') }],
    ] satisfies readonly (readonly [string, TestEntry])[]
  ).map(
    ([is, entry]): HostileImage => ({
      name: `/etc/passwd is ${is}, with USER app`,
      why: 'it is read to know who app is: by the runtime, on the host',
      entries: [{ name: 'etc/.wh.passwd' }, entry],
      config: app,
      outcome: 'refused',
      ...(is === 'a FIFO' && { differs: { docker: 'hangs' as const } }),
    }),
  ),
  {
    name: '/etc/group is a FIFO, with USER app',
    why: 'as /etc/passwd; lading takes it for none, the others open it and wait',
    entries: [{ name: 'etc/.wh.group' }, { name: 'etc/group', type: 'fifo' }],
    config: app,
    outcome: 'hangs',
    differs: { launcher: 'safe' },
  },
  {
    name: 'ENTRYPOINT is a symbolic link out',
    why: "a program of the host would run with the container's rights, or before it is one",
    entries: linked('program', `${up}${process.execPath.slice(1)}`),
    config: { Entrypoint: ['/program', '-e', 'console.log(1)'] },
    outcome: 'refused',
  },
  {
    name: 'ENTRYPOINT /proc/self/exe',
    why: 'the runtime itself would run once more, in the container (CVE-2019-5736)',
    config: { Entrypoint: ['/proc/self/exe'] },
    outcome: 'refused',
  },
  {
    name: 'a program of the image overwrites what started it',
    why: '/proc/1/exe and /proc/self/exe must be files that nobody runs again (CVE-2019-5736)',
    run: '! (echo x >> /proc/1/exe) 2>/dev/null; ! (echo x >> /proc/self/exe) 2>/dev/null',
    outcome: 'safe',
  },
]
