import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import test from 'ava'
import { decompress as unzstd } from 'fzstd'
import { extract } from 'tar-stream'
import { openArchiveSink, openSink } from '../../src/transports/open-sink.js'
import {
  indexOf,
  layerOf,
  type Named,
  ociLayout,
  randomImage,
  randomLayer,
  sha256,
  type TestImage,
  type TestIndex,
  tarOf,
} from '../helpers/generate.js'
import { generatedSource, writeAllRoots } from '../helpers/generated-source.js'
import { has, isRoot, run } from '../helpers/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'writing-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let count = 0
const fresh = (suffix = '.tar') => join(folder, `${count++}${suffix}`)

interface Found {
  readonly name: string
  readonly type: string
  readonly mode: number
  readonly mtime: number
  readonly owner: string
  readonly linkname: string
  readonly body: Buffer
}

/** The entries of a tar in order, by tar-stream. */
const entriesOf = async (path: string): Promise<readonly Found[]> => {
  const reader = extract()
  const found: Found[] = []
  reader.end(readFileSync(path))
  for await (const entry of reader) {
    const chunks: Uint8Array[] = []
    for await (const chunk of entry) chunks.push(chunk as Uint8Array)
    const { name, type, mode, mtime, uid, gid, linkname } = entry.header
    found.push({
      name,
      type,
      mode,
      mtime: mtime.getTime() / 1000,
      owner: `${uid}:${gid}`,
      linkname,
      body: Buffer.concat(chunks),
    })
  }
  return found
}

type Roots = readonly Named<TestImage | TestIndex>[]
type Options = Parameters<typeof openArchiveSink>[1]
const host = { platform: { os: 'linux', architecture: 'amd64' } } as const

const archive = async (roots: Roots, options: Options, { backwards = false } = {}) => {
  const path = fresh()
  const result = await writeAllRoots(generatedSource(roots), await openArchiveSink(path, options), {
    backwards,
  })
  const entries = await entriesOf(path)
  const body = (name: string) => entries.find(entry => entry.name === name)!.body
  return {
    path,
    entries,
    names: entries.map(entry => entry.name),
    body,
    json: (name: string) => JSON.parse(body(name).toString()),
    ...result,
  }
}

const app = ['docker.io/library/app:1', 'docker.io/library/app:latest']
const other = ['quay.io/x/y:2']
const hexOf = (digest: string) => digest.slice(7)
const shared = async (): Promise<Roots> => {
  const base = await randomLayer(1, 0)
  const first = await randomImage(1, { layers: [base, await randomLayer(1, 1)] })
  const second = await randomImage(2, { layers: [base, await randomLayer(2, 1, 'gzip')], docker: true })
  return [{ item: first, names: app }, { item: second, names: other }, { item: await randomImage(3) }]
}
const several = async (): Promise<TestIndex> =>
  indexOf(
    [
      await randomImage(11, {
        encoding: 'gzip',
        platform: { os: 'linux', architecture: 'arm64', variant: 'v8' },
      }),
      await randomImage(12, { encoding: 'gzip' }),
      await randomImage(13, { encoding: 'gzip', platform: { os: 'windows', architecture: 'amd64' } }),
    ],
    { attested: true },
  )

for (const format of ['both', 'oci'] as const)
  test(`openArchiveSink ${format}: every document and layer is kept byte for byte, blobs once, entries sorted`, async t => {
    const index = await several()
    const roots: Roots = [...(await shared()), { item: index, names: ['docker.io/library/multi:1'] }]
    const { names, entries, body, json, losses } = await archive(roots, { format, ...host })
    t.deepEqual(losses, [])
    t.deepEqual(names, [...names].sort())
    t.is(new Set(names).size, names.length)
    for (const { name, body, owner, type, mode } of entries) {
      t.is(owner, '0:0')
      t.is(mode, type === 'directory' ? 0o755 : 0o644)
      if (name.startsWith('blobs/') && type === 'file') t.is(`blobs/sha256/${hexOf(sha256(body))}`, name)
    }
    t.is(body('oci-layout').toString(), '{"imageLayoutVersion": "1.0.0"}')
    const listed = json('index.json').manifests
    t.deepEqual(
      listed.map(({ digest, annotations }: { digest: string; annotations?: Record<string, string> }) => [
        digest,
        annotations,
      ]),
      [
        ...app.map(name => [roots[0]!.item.digest, name]),
        [roots[1]!.item.digest, other[0]],
        [roots[2]!.item.digest, undefined],
        [index.digest, 'docker.io/library/multi:1'],
      ].map(([digest, name]) => [
        digest,
        name && {
          'io.containerd.image.name': name,
          'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
        },
      ]),
    )
    for (const blob of [index.index, ...index.others, ...index.images.map(image => image.manifest)])
      t.true(names.includes(`blobs/sha256/${hexOf(sha256(blob))}`))
    t.is(names.includes('manifest.json'), format === 'both')
  })

test('hybridArchiveSink: manifest.json and repositories are as Docker 25 writes them', async t => {
  const roots = await shared()
  const index = await several()
  const { json, body, entries } = await archive(
    [...roots, { item: index, names: ['docker.io/library/multi:1'] }],
    { format: 'both', ...host },
  )
  const images = [...roots.map(({ item }) => item as TestImage), index.images[1]!]
  const tags = [['app:1', 'app:latest'], ['quay.io/x/y:2'], null, ['multi:1']]
  t.deepEqual(
    json('manifest.json'),
    images.map((image, at) => ({
      Config: `blobs/sha256/${hexOf(image.id)}`,
      RepoTags: tags[at],
      Layers: image.layers.map(layer => `blobs/sha256/${hexOf(layer.digest)}`),
      ...(image.layers.every(layer => layer.digest === layer.diffId) && {
        LayerSources: Object.fromEntries(
          image.layers.map(layer => [
            layer.diffId,
            {
              mediaType: 'application/vnd.oci.image.layer.v1.tar',
              size: layer.tar.length,
              digest: layer.diffId,
            },
          ]),
        ),
      }),
    })),
  )
  const top = (image: TestImage) => hexOf(image.layers.at(-1)!.diffId)
  t.deepEqual(json('repositories'), {
    app: { 1: top(images[0]!), latest: top(images[0]!) },
    multi: { 1: top(images[3]!) },
    'quay.io/x/y': { 2: top(images[1]!) },
  })
  for (const name of ['manifest.json', 'repositories']) t.is(body(name).at(-1), 10)
  const time = (digest: string) => entries.find(({ name }) => name === `blobs/sha256/${hexOf(digest)}`)!.mtime
  t.is(time(images[2]!.id), 1_700_000_003)
  t.is(time(images[2]!.layers[0]!.digest), 1_700_000_003)
  t.is(time(images[2]!.digest), 0)
})

test('every archive sink: the same images give the same bytes, also on a second run', async t => {
  for (const format of ['both', 'docker', 'oci'] as const) {
    const roots: Roots = [...(await shared()), { item: await several() }]
    const first = await archive(roots, { format, ...host })
    const second = await archive(roots, { format, ...host })
    t.true(readFileSync(first.path).equals(readFileSync(second.path)), format)
    // Only the lists of images follow the order in which they came.
    const backwards = await archive(roots, { format, ...host }, { backwards: true })
    t.deepEqual(backwards.names, first.names, format)
  }
})

test('dockerArchiveSink: folders by v1 ID, plain layers, a layer that is there twice as a symlink', async t => {
  const [one, two, three] = (await shared()).map(({ item }) => item as TestImage)
  const again = await randomImage(4, { layers: [one!.layers[1]!, one!.layers[0]!] })
  const { entries, names, json, body } = await archive(
    [{ item: one!, names: app }, { item: two!, names: other }, { item: three! }, { item: again }],
    { format: 'docker' },
  )
  t.deepEqual(names, [...names].sort())
  const items = json('manifest.json') as { Config: string; RepoTags: string[] | null; Layers: string[] }[]
  for (const [at, image] of [one!, two!, three!, again].entries()) {
    const item = items[at]!
    t.is(item.Config, `${hexOf(image.id)}.json`)
    t.true(body(item.Config).equals(image.config))
    for (const [level, path] of item.Layers.entries()) {
      const id = path.slice(0, 64)
      t.regex(path, /^[0-9a-f]{64}\/layer\.tar$/)
      t.is(body(`${id}/VERSION`).toString(), '1.0')
      t.is(JSON.parse(body(`${id}/json`).toString()).id, id)
      const entry = entries.find(({ name }) => name === path)!
      const held = entry.type === 'symlink' ? body(entry.linkname.replace('../', '')) : entry.body
      t.is(sha256(held), image.layers[level]!.diffId)
    }
  }
  t.is(entries.filter(({ type }) => type === 'symlink').length, 2)
  t.is(items[0]!.Layers[0], items[1]!.Layers[0])
  t.deepEqual(json('repositories'), {
    app: { 1: items[0]!.Layers[1]!.slice(0, 64), latest: items[0]!.Layers[1]!.slice(0, 64) },
    'quay.io/x/y': { 2: items[1]!.Layers[1]!.slice(0, 64) },
  })
})

test('dockerArchiveSink: what the format cannot hold is in the loss report', async t => {
  const { losses, json } = await archive([{ item: await several(), names: app }], {
    format: 'docker',
    ...host,
  })
  t.deepEqual(
    losses.map(({ what, count }) => [what, count]),
    [
      ['index', 1],
      ['platform', 2],
      ['artifact', 3],
      ['manifest-digest', 1],
      ['compression', 3],
    ],
  )
  t.is(json('manifest.json').length, 1)
})

test('dockerArchiveSink: a manifest that every reader derives is not lost', async t => {
  const image = await randomImage(5)
  const { schemaVersion, mediaType, config, layers } = JSON.parse(image.manifest.toString())
  const manifest = Buffer.from(JSON.stringify({ schemaVersion, mediaType, config, layers }))
  const { losses } = await archive([{ item: { ...image, manifest, digest: sha256(manifest) } }], {
    format: 'docker',
  })
  t.deepEqual(losses, [])
})

test('every archive sink: an image without layers, without names, and an empty list', async t => {
  const image = await randomImage(6, { layers: [] })
  for (const format of ['both', 'docker', 'oci'] as const) {
    const { names, json } = await archive([{ item: image }], { format })
    t.false(names.includes('repositories'))
    if (format !== 'oci')
      t.deepEqual(
        json('manifest.json').map((item: object) => ({ ...item, Config: 0 })),
        [{ Config: 0, RepoTags: null, Layers: [] }],
      )
    const empty = await archive([], { format })
    if (format !== 'oci') t.deepEqual(empty.json('manifest.json'), [])
  }
})

test('openArchiveSink compress: DiffIDs and image IDs stay, digests and indexes follow, the loss is named', async t => {
  const index = await several()
  const [one, two] = await shared()
  for (const algorithm of ['none', 'gzip', 'zstd'] as const) {
    const options = { format: 'both', compress: { algorithm }, ...host } as const
    const { json, losses, path } = await archive(
      [one!, two!, { item: index, names: ['docker.io/library/multi:1'] }],
      options,
    )
    const read = (digest: string) => json(`blobs/sha256/${hexOf(digest)}`)
    const listed = json('index.json').manifests
    const nested = read(listed[3].digest)
    t.deepEqual(
      nested.manifests.map((entry: { platform: object }) => entry.platform).slice(0, 3),
      index.images.map(image => image.platform),
    )
    for (const attestation of nested.manifests.slice(3))
      t.true(
        nested.manifests.some(
          (entry: { digest: string }) =>
            entry.digest === attestation.annotations['vnd.docker.reference.digest'],
        ),
      )
    const images = [one!.item, two!.item, ...index.images] as TestImage[]
    const manifests = [
      listed[0].digest,
      listed[2].digest,
      ...nested.manifests.slice(0, 3).map((entry: { digest: string }) => entry.digest),
    ].map(read)
    for (const [at, manifest] of manifests.entries()) {
      t.is(manifest.config.digest, images[at]!.id)
      for (const [level, layer] of manifest.layers.entries()) {
        const bytes = await entriesOf(path).then(
          entries => entries.find(({ name }) => name.endsWith(hexOf(layer.digest)))!.body,
        )
        t.is(bytes.length, layer.size)
        const suffix = { none: /tar$/, gzip: /[.+]gzip$/, zstd: /^application\/vnd\.oci\..*\+zstd$/ }[
          algorithm
        ]
        t.regex(layer.mediaType, suffix)
        if (algorithm === 'gzip') t.is(sha256(gunzipSync(bytes)), images[at]!.layers[level]!.diffId)
        if (algorithm === 'zstd') t.is(sha256(unzstd(bytes)), images[at]!.layers[level]!.diffId)
        if (algorithm === 'none') t.is(sha256(bytes), images[at]!.layers[level]!.diffId)
      }
    }
    t.true(losses.every(({ what }) => what === 'manifest-digest'))
    t.true(losses.length >= 1)
    const repeated = await archive(
      [one!, two!, { item: index, names: ['docker.io/library/multi:1'] }],
      options,
    )
    t.true(readFileSync(path).equals(readFileSync(repeated.path)))
  }
  await t.throwsAsync(openArchiveSink(fresh(), { format: 'docker', compress: { algorithm: 'gzip' } }), {
    code: 'USAGE',
  })
})

test('every sink: nothing is visible before commit, and a damaged or missing blob leaves what was there', async t => {
  const image = await randomImage(7)
  const [victim] = image.layers.map(layer => hexOf(layer.digest))
  const damage = (blobs: Map<string, Buffer>) => {
    const bytes = Buffer.from(blobs.get(victim!)!)
    bytes[600]! ^= 1
    blobs.set(victim!, bytes)
  }
  for (const [change, code] of [
    [damage, 'DIGEST_MISMATCH'],
    [(blobs: Map<string, Buffer>) => blobs.delete(victim!), 'BLOB_MISSING'],
  ] as const)
    for (const format of ['both', 'docker', 'oci'] as const) {
      const place = fresh('')
      mkdirSync(place)
      writeFileSync(join(place, 'a.tar'), 'before')
      const source = generatedSource([{ item: image, names: app }], change)
      await t.throwsAsync(writeAllRoots(source, await openArchiveSink(join(place, 'a.tar'), { format })), {
        code,
      })
      t.deepEqual(readdirSync(place), ['a.tar'])
      t.is(readFileSync(join(place, 'a.tar'), 'utf8'), 'before')
      await t.throwsAsync(writeAllRoots(source, await openSink({ kind: 'oci', path: join(place, 'new') })), {
        code,
      })
      t.deepEqual(readdirSync(place), ['a.tar'])
      ociLayout(join(place, 'old'), [{ item: await randomImage(8), names: other }])
      const before = readdirSync(place, { recursive: true }).sort()
      await t.throwsAsync(writeAllRoots(source, await openSink({ kind: 'oci', path: join(place, 'old') })), {
        code,
      })
      t.deepEqual(readdirSync(place, { recursive: true }).sort(), before)
    }
})

test('openArchiveSink: mode 0600 for a new file, the old mode and the link for one that is replaced', async t => {
  const source = generatedSource(await shared())
  const place = fresh('')
  mkdirSync(place)
  const path = join(place, 'new.tar')
  await writeAllRoots(source, await openArchiveSink(path, { format: 'both' }))
  t.is(statSync(path).mode & 0o777, 0o600)
  chmodSync(path, 0o644)
  symlinkSync('new.tar', join(place, 'link.tar'))
  await writeAllRoots(source, await openArchiveSink(join(place, 'link.tar'), { format: 'docker' }))
  t.is(statSync(path).mode & 0o777, 0o644)
  t.deepEqual(readdirSync(place).sort(), ['link.tar', 'new.tar'])
  await t.throwsAsync(openArchiveSink(place, { format: 'both' }), { code: 'USAGE' })
  await t.throwsAsync(openArchiveSink(join(place, 'no/x.tar'), { format: 'both' }), { code: 'NOT_FOUND' })
})

test('ociLayoutSink: adds to a layout, moves names, mends a damaged blob, keeps what it does not know', async t => {
  const directory = fresh('')
  const [one, two, three] = await shared()
  ociLayout(directory, [
    { item: one!.item, names: app },
    { item: two!.item, names: other },
  ])
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'))
  index.manifests.push({ mediaType: 'application/x-unknown', digest: `sha256:${'0'.repeat(64)}`, size: 3 })
  writeFileSync(join(directory, 'index.json'), JSON.stringify({ ...index, annotations: { kept: 'yes' } }))
  const layer = (three!.item as TestImage).layers[0]!
  const path = join(directory, 'blobs/sha256', hexOf(layer.digest))
  writeFileSync(path, Buffer.alloc(layer.stored.length))
  const source = generatedSource([{ item: three!.item, names: [app[0]!] }])
  const { moved } = await writeAllRoots(source, await openSink({ kind: 'oci', path: directory }))
  t.deepEqual(
    moved.map(({ from, to }) => [from, to]),
    [[one!.item.digest, three!.item.digest]],
  )
  t.true(readFileSync(path).equals(layer.stored))
  const after = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'))
  t.deepEqual(after.annotations, { kept: 'yes' })
  t.deepEqual(
    after.manifests.map(({ digest }: { digest: string }) => digest),
    [one!.item.digest, two!.item.digest, `sha256:${'0'.repeat(64)}`, three!.item.digest],
  )
  const busy = fresh('')
  mkdirSync(busy)
  writeFileSync(join(busy, 'file'), '')
  await t.throwsAsync(openSink({ kind: 'oci', path: busy }), { code: 'USAGE' })
})

test('openSink: a query is the name that the image gets', async t => {
  const path = fresh()
  const source = generatedSource([{ item: await randomImage(9), names: app }])
  await writeAllRoots(source, await openSink({ kind: 'oci-archive', path, query: 'new/name:3' }))
  const index = (await entriesOf(path)).find(({ name }) => name === 'index.json')!
  t.is(
    JSON.parse(index.body.toString()).manifests[0].annotations['io.containerd.image.name'],
    'docker.io/new/name:3',
  )
})

test('every archive sink: a layer of several megabytes passes, also into a FIFO whose reader is slow', async t => {
  const layer = layerOf(await tarOf([{ name: 'big', body: Buffer.alloc(5_000_000, 'x') }]))
  const image = await randomImage(10, { layers: [layer] })
  const fifo = fresh('.fifo')
  run('mkfifo', [fifo])
  const out = fresh()
  const [{ spawn }] = [await import('node:child_process')]
  const reader = spawn('sh', ['-c', `(sleep 0.3; cat) < ${fifo} > ${out}`])
  const ended = new Promise(resolve => reader.once('close', resolve))
  await writeAllRoots(
    generatedSource([{ item: image, names: app }]),
    await openArchiveSink(fifo, { format: 'both' }),
  )
  await ended
  const direct = await archive([{ item: image, names: app }], { format: 'both' })
  t.true(readFileSync(out).equals(readFileSync(direct.path)))
})

// The same files in the programs that people have.
const withProgram = (
  program: string,
  title: string,
  body: (t: import('ava').ExecutionContext) => Promise<void>,
  why?: string,
) => {
  const reason = why ?? (has(program) ? undefined : `${program} is not installed`)
  if (reason) test.skip(`${title} [skipped: ${reason}]`, body)
  else test.serial(title, body)
}

const image = () => randomImage(21, { encoding: 'gzip' })
const archives = async () => {
  const gzip = { item: await image(), names: app }
  const plain = { item: await randomImage(22), names: app }
  return Promise.all(
    [gzip, plain].flatMap(root =>
      (['both', 'docker', 'oci'] as const).map(async format => ({
        format,
        root,
        ...(await archive([root], { format })),
      })),
    ),
  )
}

withProgram('skopeo', 'skopeo reads and copies every format, and the digests agree', async t => {
  for (const { format, root, path } of await archives())
    for (const transport of format === 'both' ? ['docker-archive', 'oci-archive'] : [`${format}-archive`]) {
      const source = `${transport}:${path}${transport === 'oci-archive' ? ':1' : ''}`
      const config = run('skopeo', ['inspect', '--config', '--raw', source])
      t.is(sha256(config), root.item.id, source)
      if (transport === 'oci-archive')
        t.is(sha256(run('skopeo', ['inspect', '--raw', source])), root.item.digest)
      const copied = fresh('')
      run('skopeo', ['copy', '--insecure-policy', source, `dir:${copied}`])
      t.true(existsSync(join(copied, hexOf(root.item.id))))
    }
})

withProgram('skopeo', 'skopeo takes the image of its own platform out of an index', async t => {
  const { path } = await archive([{ item: await several(), names: app }], { format: 'both', ...host })
  for (const transport of ['docker-archive', 'oci-archive']) {
    const source = `${transport}:${path}${transport === 'oci-archive' ? ':1' : ''}`
    t.is(
      JSON.parse(run('skopeo', ['--override-arch', 'amd64', 'inspect', '--config', source])).architecture,
      'amd64',
    )
  }
})

withProgram('umoci', 'umoci unpacks the layout of the file that is both', async t => {
  for (const { format, root, path } of await archives()) {
    if (format === 'docker') continue
    const [layout, bundle] = [fresh(''), fresh('')]
    mkdirSync(layout)
    run('tar', ['-xf', path, '-C', layout])
    run('umoci', ['unpack', ...(isRoot ? [] : ['--rootless']), '--image', `${layout}:1`, bundle])
    t.is(
      readFileSync(join(bundle, 'rootfs/etc/motd'), 'utf8'),
      `level 2 of ${root.item === undefined ? 0 : root.item.layers[0]!.stored[0] === 0x1f ? 21 : 22}\n`,
    )
    t.false(existsSync(join(bundle, 'rootfs/layer1/file1')))
  }
})

withProgram(
  'podman',
  'podman loads every format under its names and with the same image ID',
  async t => {
    const storage = fresh('')
    const podman = (args: readonly string[]) =>
      run('podman', [
        '--root',
        join(storage, 'root'),
        '--runroot',
        join(storage, 'run'),
        '--storage-driver',
        'vfs',
        ...args,
      ])
    for (const { format, root, path: several } of await archives()) {
      // Podman takes no OCI archive that lists one image under two names (containers/podman issue 4646).
      const path =
        format === 'oci' ? (await archive([{ item: root.item, names: other }], { format })).path : several
      podman(['load', '-i', path])
      const images = JSON.parse(podman(['images', '--no-trunc', '--format', 'json'])) as {
        Id: string
        Names: string[]
      }[]
      t.deepEqual([...new Set(images.map(({ Id }) => Id))], [hexOf(root.item.id)], format)
      // Podman puts localhost before the short names of a docker archive.
      const tags = new Set(images.flatMap(({ Names }) => Names.map(name => name.split('/').at(-1))))
      if (format !== 'oci') t.deepEqual([...tags].sort(), ['app:1', 'app:latest'], format)
      podman(['rmi', '-a', '-f'])
    }
  },
  isRoot ? undefined : 'podman wants root here',
)
