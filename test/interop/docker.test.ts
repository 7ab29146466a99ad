import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Engine, noEngine, startEngine } from '../helpers/engine.js'
import { dockerArchive, randomImage } from '../helpers/generate.js'
import { has, lading, ladingProgram, pipe, run } from '../helpers/programs.js'

// One image that a real `docker build` made, two tags, on two engines: the one that built it and a fresh one.
const when = (missing: string | undefined) => (missing === undefined ? test.serial : test.serial.skip)
const why = (missing: string | undefined) => (missing === undefined ? '' : ` [skipped: ${missing}]`)
const missing = noEngine ?? (has('busybox') ? undefined : 'busybox-static is not installed')
const without = (program: string) => missing ?? (has(program) ? undefined : `${program} is not installed`)

const folder = mkdtempSync(join(tmpdir(), 'interop-'))
const store = join(folder, 'store')
const saved = join(folder, 'saved.tar')
const tags = ['bench/app:1', 'bench/app:latest']
let origin: Engine
let target: Engine
let imageId: string

const dockerfile = `FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ENV A=1 B="x y" C="<&>"
LABEL a.b="<>&" c="ä"
RUN mkdir -p /etc/deep/er && echo one > /etc/one && echo two > /etc/two && chmod 4755 /etc/two
RUN rm /etc/one && ln /etc/two /etc/three && echo four > /etc/deep/er/four
WORKDIR /etc/deep
EXPOSE 80/tcp 53/udp
VOLUME /data
USER 1000:1000
HEALTHCHECK --interval=5s CMD true
STOPSIGNAL SIGUSR1
ENTRYPOINT ["/bin/sh"]
CMD ["-c", "cat /etc/three"]
`

const inspect = (engine: Engine, name: string) => {
  const [image] = JSON.parse(run('docker', ['image', 'inspect', name], { env: engine.env }))
  // Random folder names and the moment of tagging belong to the engine, not to the image.
  const { GraphDriver: _graph, Metadata: _metadata, ...rest } = image
  return rest
}
const historyOf = (engine: Engine, name: string, format = '{{json .}}') =>
  run('docker', ['history', '--no-trunc', '--human=false', '--format', format, name], { env: engine.env })
const anyId = '{{.CreatedAt}} {{.CreatedBy}} {{.Size}} {{.Comment}}'

test.before(async () => {
  if (missing) return
  ;[origin, target] = await Promise.all([startEngine(), startEngine()])
  const context = join(folder, 'context')
  mkdirSync(context)
  copyFileSync('/bin/busybox', join(context, 'busybox'))
  writeFileSync(join(context, 'Dockerfile'), dockerfile)
  const built = ['build', '-q', '--network=none', ...tags.flatMap(tag => ['-t', tag]), context]
  run('docker', built, { env: origin.env })
  imageId = inspect(origin, tags[0]!).Id
})

test.after.always(async () => {
  await Promise.all([origin?.stop(), target?.stop()])
  rmSync(folder, { recursive: true, force: true })
})

when(missing)(`docker save | lading load keeps the image ID and both tags${why(missing)}`, t => {
  pipe(['docker', 'save', ...tags], [process.execPath, ladingProgram, '--store', store, 'load'], origin.env)
  for (const tag of tags) {
    const { status, stdout, stderr } = lading(['--store', store, 'inspect', '--json', tag])
    t.is(status, 0, stderr)
    t.true(stdout.includes(imageId), `${tag}: ${stdout}`)
  }
})

when(missing)(`lading save | docker load gives the same image ID, history and inspect${why(missing)}`, t => {
  pipe([process.execPath, ladingProgram, '--store', store, 'save', ...tags], ['docker', 'load'], target.env)
  const ours = inspect(target, tags[0]!)
  const ourHistory = historyOf(target, tags[0]!)
  t.is(ours.Id, imageId)
  t.is(inspect(target, tags[1]!).Id, imageId)
  t.is(historyOf(target, tags[0]!, anyId), historyOf(origin, tags[0]!, anyId))
  // The building engine knows the parent images, which no archive of one image holds.
  t.deepEqual({ ...ours, Parent: '' }, { ...inspect(origin, tags[0]!), Parent: '' })

  // What docker's own save | docker load leaves is what lading's leaves, to the last field.
  run('docker', ['rmi', ...tags], { env: target.env })
  pipe(
    ['docker', '-H', origin.env.DOCKER_HOST, 'save', ...tags],
    ['docker', '-H', target.env.DOCKER_HOST, 'load'],
  )
  t.deepEqual(ours, inspect(target, tags[0]!))
  t.is(ourHistory, historyOf(target, tags[0]!))
  run('docker', ['rmi', ...tags], { env: target.env })
})

for (const format of ['both', 'docker'])
  when(missing)(`lading save --format ${format} loads and runs in the engine${why(missing)}`, t => {
    const file = join(folder, `${format}.tar`)
    const outcome = lading(['--store', store, 'save', '--format', format, '-o', file, ...tags])
    t.is(outcome.status, 0, outcome.stderr)
    t.regex(run('docker', ['load', '-i', file], { env: target.env }), /Loaded image: bench\/app:1/)
    t.is(inspect(target, tags[0]!).Id, imageId)
    t.is(run('docker', ['run', '--rm', '--network=none', tags[0]!], { env: target.env }), 'two\n')
    run('docker', ['rmi', '-f', ...tags], { env: target.env })
  })

when(missing)(`lading save --format docker is what docker save writes, byte for byte${why(missing)}`, t => {
  const theirs = join(folder, 'theirs')
  const ours = join(folder, 'ours')
  for (const path of [theirs, ours]) mkdirSync(path)
  run('docker', ['save', '-o', join(folder, 'theirs.tar'), ...tags], { env: origin.env })
  const outcome = lading([
    '--store',
    store,
    'save',
    '--format',
    'docker',
    '-o',
    join(folder, 'ours.tar'),
    ...tags,
  ])
  t.is(outcome.status, 0, outcome.stderr)
  run('tar', ['-xf', join(folder, 'theirs.tar'), '-C', theirs])
  run('tar', ['-xf', join(folder, 'ours.tar'), '-C', ours])
  t.is(run('diff', ['-r', '--no-dereference', theirs, ours]), '')
})

when(without('skopeo'))(`the file that is both opens in skopeo both ways${why(without('skopeo'))}`, t => {
  t.is(lading(['--store', store, 'save', '-o', saved, ...tags]).status, 0)
  for (const transport of ['docker-archive', 'oci-archive'])
    for (const tag of tags) {
      const place =
        transport === 'docker-archive'
          ? `${transport}:${saved}:${tag}`
          : `${transport}:${saved}:${tag.split(':')[1]}`
      const layers = JSON.parse(run('skopeo', ['inspect', place])).Layers
      t.deepEqual(layers, inspect(origin, tag).RootFS.Layers, place)
    }
  t.is(
    JSON.parse(run('skopeo', ['inspect', '--config', `oci:${store}:${tags[0]}`])).config.Entrypoint[0],
    '/bin/sh',
  )
})

when(without('podman'))(
  `the file that is both loads in podman with the same image ID${why(without('podman'))}`,
  t => {
    const root = [
      '--root',
      join(folder, 'podman'),
      '--runroot',
      join(folder, 'podman-run'),
      '--storage-driver',
      'vfs',
    ]
    run('podman', [...root, 'load', '-i', saved])
    const [image] = JSON.parse(run('podman', [...root, 'image', 'inspect', tags[0]!]))
    t.is(`sha256:${image.Id}`, imageId)
  },
)

when(without('umoci'))(`the file that is both, unpacked, opens in umoci${why(without('umoci'))}`, t => {
  const layout = join(folder, 'layout')
  mkdirSync(layout)
  run('tar', ['-xf', saved, '-C', layout])
  const names = run('umoci', ['ls', '--layout', layout]).trim().split('\n').sort()
  t.deepEqual(names, ['1', 'latest'])
  run('umoci', ['unpack', '--image', `${layout}:1`, join(folder, 'bundle')])
  t.is(run('cat', [join(folder, 'bundle/rootfs/etc/three')]), 'two\n')
})

when(missing)(`a pre-1.10 archive has the image ID that docker load gives it${why(missing)}`, async t => {
  const images = [await randomImage(31), await randomImage(32, { layerCount: 1 })]
  const files = [join(folder, 'v1.tar')]
  writeFileSync(
    files[0]!,
    await dockerArchive(
      images.map((item, index) => ({ item, names: [`docker.io/library/old:${index}`] })),
      'v1',
    ),
  )
  // A real one of Docker's early days, where the corpus is at hand.
  const real = 'google+go-containerregistry/pkg/v1/tarball/testdata/no_manifest.tar'
  if (process.env.LADING_CORPUS) files.push(join(process.env.LADING_CORPUS, real))
  for (const file of files) {
    const before = new Set(run('docker', ['images', '-aq', '--no-trunc'], { env: target.env }).split('\n'))
    run('docker', ['load', '-i', file], { env: target.env })
    const theirs = run('docker', ['images', '-aq', '--no-trunc'], { env: target.env }).split('\n')
    const { stdout, stderr } = lading(['inspect', '--json', file])
    const inspected = JSON.parse(stdout || 'null')?.images ?? t.fail(stderr)
    for (const { names, platforms } of inspected) {
      t.true(theirs.includes(platforms[0].id), `${file} ${names}: ${platforms[0].id} is not among ${theirs}`)
      t.false(before.has(platforms[0].id))
    }
    t.true(inspected.length > 0)
  }
})
