import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import { openStore } from '../../src/store/store.js'
import { convert } from '../../src/verbs/convert.js'
import { exportSnapshot } from '../../src/verbs/export.js'
import { load } from '../../src/verbs/load.js'
import { save } from '../../src/verbs/save.js'
import { diskListing } from '../helpers/disk-listing.js'
import { type Engine, noEngine, startEngine } from '../helpers/engine.js'
import { attempt, has, lading, ladingProgram, pipe, run } from '../helpers/programs.js'

// docker export of a container against lading export --bare of its image, compared by Python's tarfile.
const when = (missing: string | undefined) => (missing === undefined ? test.serial : test.serial.skip)
const why = (missing: string | undefined) => (missing === undefined ? '' : ` [skipped: ${missing}]`)
const missing =
  noEngine ??
  (has('busybox') ? undefined : 'busybox-static is not installed') ??
  (has('python3') ? undefined : 'python3 is not installed')
const corpus = process.env.LADING_CORPUS

const folder = mkdtempSync(join(tmpdir(), 'snapshots-'))
const store = join(folder, 'store')
let engine: Engine

const dockerfile = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV A=1 B="x y"
LABEL a.b="<>&"
RUN mkdir -p /etc/deep/er /opq && echo one > /etc/one && echo two > /etc/two && chmod 4755 /etc/two && echo old > /opq/old && chown 7:8 /etc/two
RUN rm /etc/one && ln /etc/two /etc/three && echo four > /etc/deep/er/four && mkfifo /etc/pipe && ln -s two /etc/link
RUN rm -r /opq && mkdir /opq && echo new > /opq/new && rm /etc/two && mv /etc/deep/er/four /a-b && mkdir /a && echo x > /a/b
WORKDIR /etc/deep
USER 1000:1000
EXPOSE 80
VOLUME /data
ENTRYPOINT ["/bin/sh"]
CMD ["-c", "cat /etc/three"]
`

/** Names, types, modes, owners, times, links, sizes, devices, capabilities and hashes of contents. */
const listing = (path: string): Record<string, unknown> =>
  JSON.parse(
    run('python3', [
      '-c',
      `import tarfile,sys,json,hashlib
t=tarfile.open(sys.argv[1]);r={}
for m in t:
    f=t.extractfile(m) if m.isreg() else None
    r[m.name]=[m.type.decode(),m.mode&0o7777,m.uid,m.gid,int(m.mtime),m.linkname,m.size,m.devmajor,m.devminor,m.pax_headers.get('SCHILY.xattr.security.capability'),hashlib.sha256(f.read()).hexdigest() if f else None]
print(json.dumps(r))`,
      path,
    ]),
  )

/** What docker puts over every container's file system, and the folders that it makes for that. */
const stubs = [
  '.dockerenv',
  'dev',
  'dev/console',
  'dev/pts',
  'dev/shm',
  'etc',
  'etc/hostname',
  'etc/hosts',
  'etc/mtab',
  'etc/resolv.conf',
  'proc',
  'sys',
]

/** The listings of docker's export and of ours, without the stubs and what else docker makes for a container. */
const bothListings = async (name: string, place: string, made: readonly string[] = []) => {
  const [theirFile, ourFile] = [join(folder, 'theirs.tar'), join(folder, 'ours.tar')]
  const container = run('docker', ['create', '--network=none', name, '/nothing'], { env: engine.env }).trim()
  run('docker', ['export', '-o', theirFile, container], { env: engine.env })
  run('docker', ['rm', '-v', container], { env: engine.env })
  await exportSnapshot({ place, output: ourFile, bare: true, storeDirectory: store })
  const [theirs, ours] = [listing(theirFile), listing(ourFile)]
  for (const stub of [...stubs, ...made]) {
    delete theirs[stub]
    delete ours[stub]
  }
  return { theirs, ours }
}

test.before(async () => {
  if (missing) return
  engine = await startEngine()
  const context = join(folder, 'context')
  mkdirSync(context)
  copyFileSync('/bin/busybox', join(context, 'busybox'))
  writeFileSync(join(context, 'Dockerfile'), dockerfile)
  run('docker', ['build', '-q', '--network=none', '-t', 'snap:1', context], { env: engine.env })
  pipe(['docker', 'save', 'snap:1'], [process.execPath, ladingProgram, '--store', store, 'load'], engine.env)
})
test.after.always(async () => {
  await engine?.stop()
  rmSync(folder, { recursive: true, force: true })
})

when(missing)(`lading export --bare is docker export, entry by entry${why(missing)}`, async t => {
  // The mount point of the volume is made when the container is.
  const { theirs, ours } = await bothListings('snap:1', 'snap:1', ['data'])
  t.deepEqual(ours, theirs)
  t.true(Object.keys(ours).length > 200)
})

const noUmoci = missing ?? (has('umoci') ? undefined : 'umoci is not installed')
when(noUmoci)(`lading convert … dir: is umoci unpack of the same image${why(noUmoci)}`, async t => {
  const [layout, bundle, ours] = ['layout', 'bundle', 'ours'].map(name => join(folder, name))
  await convert({ source: 'snap:1', destination: `oci:${layout}:snap:1`, storeDirectory: store })
  await convert({ source: 'snap:1', destination: `dir:${ours}`, storeDirectory: store })
  run('umoci', ['unpack', '--image', `${layout}:snap:1`, bundle!])
  const [theirs, mine] = [diskListing(join(bundle!, 'rootfs')), diskListing(ours!)]
  // Nothing is known of the root: no layer has an entry for it.
  for (const listing of [theirs, mine]) delete listing['.']
  t.deepEqual(mine, theirs)
  t.true(Object.keys(mine).length > 200)
})

/** The folders that docker makes in a container for the volumes and the working directory of its image. */
const madeFor = ({ Volumes, WorkingDir }: { Volumes?: object; WorkingDir?: string }): readonly string[] =>
  [...Object.keys(Volumes ?? {}), WorkingDir ?? ''].flatMap(path => {
    const parts = path.split('/').filter(Boolean)
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  })

const noCorpus = missing ?? (corpus ? undefined : 'LADING_CORPUS is not set')
when(noCorpus)(
  `lading export --bare is docker export on every corpus image that docker loads${why(noCorpus)}`,
  async t => {
    const paths = readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.split('\t'))
      .filter(([, , kind]) => /archive|layout/.test(kind ?? ''))
      .map(([path]) => path!)
    const file = join(folder, 'one.tar')
    const seen = new Set<string>()
    const unequal: string[] = []
    const loads = (id: string) =>
      attempt('docker', ['load', '-i', file], { env: engine.env }).status === 0 &&
      attempt('docker', ['image', 'inspect', id], { env: engine.env }).status === 0
    for (const [index, path] of paths.entries()) {
      const here = await openStore(join(folder, `corpus-${index}`), { create: true })
      const loaded = await load({ input: join(corpus!, path), store: here }).catch(() => undefined)
      for (const { digest, ids } of loaded?.images ?? []) {
        const [id] = ids
        if (id === undefined || ids.length > 1 || seen.has(id)) continue
        await save({ places: [digest], output: file, format: 'both', storeDirectory: here.directory })
        if (!loads(id)) continue
        const { Config, RootFS } = JSON.parse(run('docker', ['image', 'inspect', id], { env: engine.env }))[0]
        // A container of an image without layers cannot be exported.
        if (!RootFS.Layers?.length) continue
        seen.add(id)
        const { theirs, ours } = await bothListings(id, `oci-archive:${file}`, madeFor(Config ?? {}))
        if (!isDeepStrictEqual(ours, theirs)) unequal.push(path)
        run('docker', ['rmi', '-f', id], { env: engine.env })
      }
      rmSync(here.directory, { recursive: true })
    }
    t.log(`${seen.size} images, ${unequal.length} unequal`)
    t.deepEqual(unequal, [])
    t.true(seen.size > 20)
  },
)

when(missing)(
  `lading export | docker import: the image runs, and GNU tar, bsdtar and Python pass over what is carried${why(missing)}`,
  t => {
    const id = pipe(
      [process.execPath, ladingProgram, '--store', store, 'export', 'snap:1'],
      ['docker', 'import', '-', 'flat:1'],
      engine.env,
    ).trim()
    t.regex(id, /^sha256:/)
    t.is(
      run('docker', ['run', '--rm', '--network=none', 'flat:1', '/bin/cat', '/etc/three'], {
        env: engine.env,
      }),
      'two\n',
    )
    const file = join(folder, 'carried.tar')
    t.is(lading(['--store', store, 'export', '-o', file, 'snap:1']).status, 0)
    const gnu = attempt('tar', ['-tf', file])
    t.is(gnu.status, 0)
    t.is(gnu.stderr, '')
    const count = Object.keys(listing(file)).length
    t.is(gnu.stdout.trim().split('\n').length, count)
    if (has('bsdtar')) t.is(run('bsdtar', ['-tf', file]).trim().split('\n').length, count)
  },
)

const noPodman = missing ?? (has('podman') ? undefined : 'podman is not installed')
when(noPodman)(`lading export | podman import${why(noPodman)}`, t => {
  const root = [
    '--root',
    join(folder, 'podman'),
    '--runroot',
    join(folder, 'podman-run'),
    '--storage-driver',
    'vfs',
  ]
  pipe(
    [process.execPath, ladingProgram, '--store', store, 'export', 'snap:1'],
    ['podman', ...root, 'import', '-', 'flat:1'],
  )
  const mount = run('podman', [...root, 'image', 'mount', 'flat:1']).trim()
  t.is(readFileSync(join(mount, 'etc/three'), 'utf8'), 'two\n')
  t.true(existsSync(join(mount, 'opq/new')) && !existsSync(join(mount, 'opq/old')))
})

when(missing)(
  `lading export | lading import keeps the config; docker export | lading import makes an image that docker runs${why(missing)}`,
  t => {
    pipe(
      [process.execPath, ladingProgram, '--store', store, 'export', 'snap:1'],
      [process.execPath, ladingProgram, '--store', store, 'import', '-', 'snap:flat'],
    )
    const config = (name: string) =>
      JSON.parse(lading(['--store', store, 'inspect', '--json', name]).stdout).images[0].platforms[0].config
    t.deepEqual(config('snap:flat'), config('snap:1'))
    pipe(
      [process.execPath, ladingProgram, '--store', store, 'save', 'snap:flat'],
      ['docker', 'load'],
      engine.env,
    )
    t.is(run('docker', ['run', '--rm', '--network=none', 'snap:flat'], { env: engine.env }), 'two\n')
  },
)

when(missing)(`lading convert --squash: docker loads the image and runs it${why(missing)}`, t => {
  const squashed = join(folder, 'squashed.tar')
  const { status, stdout, stderr } = lading([
    '--store',
    store,
    'convert',
    '--json',
    '--squash',
    '2..4',
    'snap:1',
    squashed,
  ])
  t.is(status, 0, stderr)
  t.deepEqual(
    JSON.parse(stdout).loss.map(({ what }: { what: string }) => what),
    ['manifest-digest', 'layers', 'history'],
  )
  const layers = (place: string) =>
    JSON.parse(
      lading(['--store', store, 'inspect', '--json', place]).stdout,
    ).images[0].platforms[0].layers.map(({ diffId }: { diffId: string }) => diffId)
  const [before, after] = [layers('snap:1'), layers(squashed)]
  t.is(after.length, before.length - 2)
  t.deepEqual([after[0], ...after.slice(2)], [before[0], ...before.slice(4)])
  run('docker', ['load', '-i', squashed], { env: engine.env })
  t.is(run('docker', ['run', '--rm', '--network=none', 'snap:1'], { env: engine.env }), 'two\n')
})
