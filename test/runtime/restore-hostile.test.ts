import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { type ContainerHost, noContainers, openHost, writeAppImage } from '../helpers/container-host.js'
import { run } from '../helpers/programs.js'

// Snapshots that somebody else made: nothing of them may reach out of the store, and nothing half-made may stay.
const check = noContainers === undefined ? test.serial : test.serial.skip
const titled = (title: string) => (noContainers === undefined ? title : `${title} [skipped: ${noContainers}]`)

let host: ContainerHost
let layout: string
test.before(async () => {
  if (noContainers !== undefined) return
  host = openHost('snap-hostile')
  const image = join(host.folder, 'app.tar')
  await writeAppImage(image)
  host.done('load', '-i', image)
  const options = ['--name', 'good', '--network', 'none', '-v', 'things:/data']
  host.done('run', ...options, 'app:1', 'sh', '-c', 'echo 1 >/data/one; echo 2 >/srv/two')
  host.done('snapshot', '--thin', 'good', '-o', join(host.folder, 'good.tar'))
  host.done('rm', 'good')
  layout = join(host.folder, 'layout')
  mkdirSync(layout)
  run('tar', ['-xf', join(host.folder, 'good.tar'), '-C', layout])
})
test.after.always(() => host?.close())

// biome-ignore lint/suspicious/noExplicitAny: it is changed into what no type allows.
type Json = any
const blob = (digest: string) => join(layout, 'blobs/sha256', digest.slice(7))
const read = (path: string): Json => JSON.parse(readFileSync(path, 'utf8'))

/** The archive with another description of the container; `layers` may be changed too. */
const tampered = (change: (document: Json) => void): string => {
  const put = (value: Json) => {
    const bytes = Buffer.from(JSON.stringify(value))
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
    writeFileSync(blob(digest), bytes)
    return { digest, size: bytes.length }
  }
  const index = read(join(layout, 'index.json'))
  const manifest = read(blob(index.manifests[0].digest))
  const document = read(blob(manifest.config.digest))
  change(document)
  Object.assign(manifest.config, put(document))
  const changed = { ...index, manifests: [{ ...index.manifests[0], ...put(manifest) }] }
  const path = join(host.folder, 'tampered.tar')
  writeFileSync(join(host.folder, 'index.json'), JSON.stringify(changed))
  run('tar', ['-cf', path, '-C', layout, 'blobs', 'oci-layout', '-C', host.folder, 'index.json'])
  return path
}

/** Its field at `path`; undefined: none. */
const set =
  (path: string, value: unknown) =>
  (document: Json): void => {
    const names = path.split('.')
    const last = names.pop()!
    names.reduce((at, name) => at[name], document)[last] = value
  }

const remains = (): readonly string[] =>
  ['containers', 'container-names'].flatMap(name => readdirSync(join(host.store, name)))
const volumes = () => readdirSync(join(host.store, 'volumes'))

const hostile: Readonly<Record<string, readonly [change: (document: Json) => void, words: RegExp]>> = {
  'of a later version': [set('version', 2), /of version 2, this is for version 1/],
  'of no version': [set('version', undefined), /version/],
  'a volume that leads out of its folder': [
    set('settings.mounts.0.volume', '../../../etc'),
    /settings in the description of the container: mounts\.0\.volume/,
  ],
  'a volume mounted outside the container': [
    set('settings.mounts.0.target', '/srv/../../etc'),
    /mounts\.0\.target must lie inside the container/,
  ],
  'a volume mounted on everything': [set('settings.mounts.0.target', '/'), /must lie inside/],
  'a bind mount without a path': [
    set('settings.mounts.0', { type: 'bind', source: 'etc', target: '/x', readonly: false }),
    /mounts\.0\.source/,
  ],
  'a mount of a kind that is not known': [set('settings.mounts.0.type', 'device'), /mounts\.0/],
  'a name that is a path': [set('settings.name', '../../x'), /Invalid container name/],
  'no program': [set('settings.process.args', []), /process\.args/],
  'a NUL in the environment': [set('settings.process.env', ['A=\0']), /process\.env\.0/],
  'a limit that is no whole number': [
    set('settings.process.rlimits', [{ name: 'nofile', soft: 1.5, hard: 2 }]),
    /rlimits\.0\.soft/,
  ],
  'a host name with a line in it': [set('settings.hostname', 'a\nb'), /hostname/],
  'settings that are none': [set('settings', 7), /settings/],
  'changes that are not there': [set('changes.digest', `sha256:${'0'.repeat(64)}`), /sha256:0000000.*/],
  'changes of another length': [d => void d.changes.size++, /bytes/],
  'changes of another digest': [
    d => {
      const digest = `sha256:${'1'.repeat(64)}`
      writeFileSync(blob(digest), Buffer.alloc(d.changes.size, 7))
      d.changes.digest = digest
    },
    /digest|sha256/i,
  ],
  'a volume’s files of another digest': [
    d => {
      const digest = `sha256:${'2'.repeat(64)}`
      writeFileSync(blob(digest), Buffer.alloc(d.volumes[0].layer.size, 7))
      d.volumes[0].layer.digest = digest
    },
    /digest|sha256/i,
  ],
}

for (const [title, [change, words]] of Object.entries(hostile))
  check(titled(`restore: ${title} is refused, and nothing is left`), t => {
    const before = volumes()
    const { status, stderr } = host.lading('restore', tampered(change))
    t.true(status === 1 || status === 2, stderr)
    t.regex(stderr, /^lading: Cannot restore /)
    t.regex(stderr, words)
    t.notRegex(stderr, /\n {4}at /, 'no defect')
    t.deepEqual(remains(), [])
    t.deepEqual(volumes(), before)
  })

check(
  titled('restore: a file that ends too soon, an image and a text are refused, and nothing is left'),
  t => {
    const cut = join(host.folder, 'cut.tar')
    run('cp', [join(host.folder, 'good.tar'), cut])
    truncateSync(cut, 9000)
    writeFileSync(join(host.folder, 'text'), 'no snapshot')
    for (const name of ['cut.tar', 'app.tar', 'text', 'nothing']) {
      const { status, stderr } = host.lading('restore', join(host.folder, name))
      t.is(status, 1, stderr)
      t.regex(stderr, /^lading: Cannot restore /)
    }
    t.regex(
      host.lading('restore', join(host.folder, 'app.tar')).stderr,
      /is no snapshot of a container.*lading run/,
    )
    t.deepEqual(remains(), [])
  },
)

check(titled('restore: what it would have of this host is told, and not had before it is started'), t => {
  const path = tampered(document => {
    const { settings } = document
    settings.mounts = [{ type: 'bind', source: '/etc', target: '/host', readonly: false }]
    settings.network = {
      mode: 'bridge',
      ports: [{ hostIp: '', hostPort: 22, containerPort: 80, protocol: 'tcp' }],
    }
    settings.process.capabilities = [...settings.process.capabilities, 'sys_admin']
    settings.process.seccomp = 'unconfined'
    // Its files belong to no volume of these settings.
    document.volumes[0].volume = 'elsewhere'
  })
  const { status, stderr } = host.lading('restore', path)
  t.is(status, 0, stderr)
  for (const words of [
    'It will have /etc of this host at /host',
    'capabilities that are not ordinary: sys_admin',
    'every system call',
    'publishes its port 80/tcp on every address of this host, port 22',
  ])
    t.true(stderr.includes(words), words)
  host.done('rm', 'good')
  host.done(
    'restore',
    tampered(() => {}),
  )
  t.is(host.done('cat', 'container:good', '/srv/two'), '2')
})
