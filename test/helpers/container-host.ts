import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { closeNetwork, openNetwork } from '../../src/runtime/network/bridge.js'
import { archiveOf, busyboxEntries, defaultConfig, imageOf, noBusybox } from './busybox-image.js'
import type { TestEntry } from './generate.js'
import { attempt, has, isRoot, ladingProgram, type Outcome, run } from './programs.js'

/** Why no containers can be run here, or undefined. */
export const noContainers = process.platform !== 'linux' ? 'needs Linux' : !isRoot ? 'needs root' : noBusybox

/** Why there can be no hosts with networks of their own. */
export const noHosts =
  noContainers ?? (has('ip') && has('nsenter') ? undefined : 'iproute2 or util-linux is not installed')

/** Of what `inspect --json` says, what somebody here asks for. */
export interface InspectedContainer {
  readonly id: string
  readonly state: { readonly pid: number }
  readonly process: Readonly<Record<string, unknown>>
}

/** The command line on a host: a store of its own and, if wanted, a network namespace of its own. */
export interface ContainerHost {
  readonly folder: string
  readonly store: string
  lading(...args: readonly string[]): Outcome
  /** What it printed; it must succeed. */
  done(...args: readonly string[]): string
  /** As `inspect --json` says it. */
  inspected(name: string): InspectedContainer
  /** What a running container sees, from outside. */
  rootOf(name: string): string
  /** Make a container that runs on after `script`, which it does once; resolves when that is done. */
  running(name: string, options: readonly string[], script: string): Promise<void>
  close(): Promise<void>
}

export const openHost = (name: string, { ownNetwork = false } = {}): ContainerHost => {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`))
  const store = join(folder, 'store')
  const env = { LADING_STORE: store, NODE_EXTRA_CA_CERTS: '' }
  if (ownNetwork) run('ip', ['netns', 'add', name])
  // Not `ip netns exec`, which mounts another /sys, without control groups.
  const inside = ownNetwork ? ['nsenter', `--net=/run/netns/${name}`] : []
  const lading = (...args: readonly string[]): Outcome => {
    const [program, ...words] = [...inside, process.execPath, ladingProgram, ...args]
    return attempt(program!, words, { env })
  }
  const done = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = lading(...args)
    if (status !== 0) throw new Error(`lading ${args.join(' ')} ended with ${status}: ${stderr}`)
    return stdout.trimEnd()
  }
  const inspected = (container: string) => JSON.parse(done('inspect', container, '--json'))
  return {
    ...{ folder, store, lading, done, inspected },
    rootOf: container => `/proc/${inspected(container).state.pid}/root`,
    running: async (container, options, script) => {
      const words = ['--name', container, '--network', 'none', ...options]
      done(
        'run',
        '-d',
        ...words,
        'app:1',
        'sh',
        '-c',
        `if [ ! -e /tmp/ready ]; then\n${script}\ntouch /tmp/ready\nfi\nexec sleep 1000`,
      )
      const deadline = Date.now() + 20_000
      while (lading('exec', container, 'test', '-e', '/tmp/ready').status !== 0)
        if (Date.now() > deadline) throw new Error(`${container} did not get ready`)
    },
    close: async () => {
      lading('rm', '-fv', ...done('ps', '-aq').split('\n').filter(Boolean))
      lading('prune')
      if (existsSync(join(store, 'network')) && !ownNetwork)
        await closeNetwork((await openNetwork(join(store, 'network'))).network)
      if (ownNetwork) run('ip', ['netns', 'del', name])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Files to be changed, below busybox's. */
const files: readonly TestEntry[] = [
  ...['srv/', 'srv/opq/', 'srv/gone/', 'srv/keep/', 'data/'].map(name => ({ name })),
  ...['srv/opq/a', 'srv/opq/b', 'srv/gone/x', 'srv/keep/k', 'srv/keep/same', 'srv/kind', 'data/seed'].map(
    name => ({ name, body: `in ${name}\n`, mtime: 1_600_000_000 }),
  ),
  { name: 'srv/keep/hard', type: 'link', linkname: 'srv/keep/k' },
]

/** A docker archive of busybox with files to be changed, called app:1. */
export const writeAppImage = async (path: string, config = {}): Promise<void> => {
  const image = await imageOf([busyboxEntries(), files], { ...defaultConfig, ...config })
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, await archiveOf({ 'app:1': image }))
}

/** What a container may do to these files: every kind of change, and every kind of file that its busybox can make. */
export const deeds = `cd /srv
rm -r opq; mkdir opq; echo new >opq/new
rm -r gone
rm kind; mkdir -p kind/deep; echo x >kind/deep/x
echo more >>keep/k; chmod 4755 keep/same; chown 5:6 keep/same
mkdir -p fresh/deep; echo deep >fresh/deep/file; chmod 700 fresh; chown 1000:7 fresh/deep/file
touch -d '2001-02-03 04:05:06' fresh/old; ln fresh/deep/file fresh/hard; ln -s /nowhere fresh/link
mkfifo fresh/pipe; mknod fresh/null c 1 3; mknod fresh/disk b 7 1
printf end | dd of=fresh/sparse bs=1 seek=1000000 2>/dev/null
rm /bin/yes /bin/zcat; ln -s busybox /bin/zcat; mkdir /a-b /a; echo 1 >/a/b; echo 2 >/a-b/c`
