import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { collect } from '../../src/bytes/collect.js'
import type { Tree } from '../../src/image/interfaces.js'
import { loadTree } from '../../src/image/view.js'
import { LadingError } from '../../src/spec/errors.js'
import { fullName } from '../../src/spec/reference.js'
import { openSource } from '../../src/transports/open.js'
import { parsePlace } from '../../src/transports/place.js'
import { inspect } from '../../src/verbs/inspect.js'
import {
  dockerAges,
  dockerArchive,
  dockerEntries,
  indexOf,
  ociArchive,
  ociFiles,
  ociLayout,
  randomImage,
  sha256,
  type TestEntry,
  type TestImage,
  tarOf,
} from '../helpers/generate.js'
import { has } from '../helpers/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'reading-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let counter = 0
const write = (bytes: Uint8Array): string => {
  const path = join(folder, `${counter++}`)
  writeFileSync(path, bytes)
  return path
}
async function* stream(bytes: Uint8Array) {
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000)
}

interface Read {
  readonly names: readonly string[]
  readonly digest: string
  readonly ids: readonly string[]
  readonly diffIds: readonly string[]
}
const tell = ({ root, images }: Tree): Read => ({
  names: root.names.map(fullName),
  digest: root.descriptor.digest,
  ids: images.map(image => image.configDocument.descriptor.digest),
  diffIds: images.flatMap(image => image.layers.map(layer => layer.diffId)),
})
/** Everything in a place, each layer read to its end, so verified. */
const readAll = async (
  place: string,
  stdin?: Uint8Array,
): Promise<{ roots: readonly Read[]; warnings: readonly string[] }> => {
  await using source = await openSource(parsePlace(place), stdin && { stdin: stream(stdin) })
  const roots: Read[] = []
  for (const root of await source.roots()) {
    const tree = await loadTree(source, root)
    for (const layer of tree.images.flatMap(image => image.layers)) {
      t0(await collect(layer.uncompressed(), { max: 1 << 28, what: 'layer' }), layer.diffId)
      if ((await layer.toc()).length === 0) throw new Error('the table of contents is empty')
    }
    roots.push(tell(tree))
  }
  return { roots, warnings: source.warnings.map(({ message }) => message) }
}
const t0 = (bytes: Buffer, diffId: string): void => {
  if (sha256(bytes) !== diffId) throw new Error(`the layer is ${sha256(bytes)}, not ${diffId}`)
}
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    error => (error instanceof LadingError ? error.code : `DEFECT ${error.stack}`),
  )

const name = 'docker.io/library/app:1'
const dot = (entries: readonly TestEntry[]): TestEntry[] =>
  entries.map(entry => ({ ...entry, name: `./${entry.name}` }))
/** The names that say what the archive is last, as skopeo and containerd write them. */
const metadataLast = (entries: readonly TestEntry[]): TestEntry[] =>
  [...entries].sort(
    (a, b) =>
      Number(/json|layout|repositories/.test(a.name)) - Number(/json|layout|repositories/.test(b.name)),
  )

for (const age of dockerAges)
  test(`openSource: a docker archive of the age "${age}" in a file, by standard input, compressed, with ./ and metadata last`, async t => {
    const image = await randomImage(1)
    const named = [{ item: image, names: [name] }]
    const bytes = await dockerArchive(named, age)
    const { roots } = await readAll(write(bytes))
    t.is(roots.length, 1)
    t.deepEqual(roots[0]!.names, [name])
    t.deepEqual(
      roots[0]!.diffIds,
      image.layers.map(layer => layer.diffId),
    )
    // Only an archive of before 1.10 has no config of its own.
    if (age !== 'v1') t.deepEqual(roots[0]!.ids, [image.id])
    if (age === 'hybrid' || age === 'containerd') t.is(roots[0]!.digest, image.digest)
    const again = { roots, warnings: [] }
    t.deepEqual(await readAll('-', bytes), again)
    t.deepEqual(await readAll(write(gzipSync(bytes))), again)
    t.deepEqual(await readAll('-', gzipSync(bytes)), again)
    t.deepEqual(await readAll(write(await tarOf(dot(dockerEntries(named, age))))), again)
    t.deepEqual(await readAll('-', await tarOf(metadataLast(dockerEntries(named, age)))), again)
    t.deepEqual(await readAll(write(bytes.subarray(0, -1024))), again, 'without end blocks')
    if (has('xz')) t.deepEqual(await readAll(write(execFileSync('xz', ['-c'], { input: bytes }))), again)
  })

test('openSource: compressed layers in a docker archive, also mixed, have digests of their own', async t => {
  const [plain, gzip] = [await randomImage(2), await randomImage(3, { encoding: 'gzip' })]
  const layers = [plain.layers[0]!, gzip.layers[1]!]
  const image = await randomImage(4, { layers })
  for (const place of [write(await dockerArchive([{ item: image, names: [name] }], 'middle'))]) {
    await using source = await openSource(parsePlace(place))
    const tree = await loadTree(source, (await source.roots())[0]!)
    t.deepEqual(
      tree.images[0]!.layers.map(layer => layer.descriptor.digest),
      layers.map(layer => layer.digest),
    )
    t.regex(tree.images[0]!.layers[1]!.descriptor.mediaType, /\+gzip$/)
  }
})

test('openSource: OCI layouts and archives, named as docker and as podman do, several platforms, attestations', async t => {
  const images = await Promise.all(
    ['amd64', 'arm64'].map((architecture, seed) =>
      randomImage(5 + seed, { platform: { os: 'linux', architecture } }),
    ),
  )
  const index = indexOf(images, { attested: true })
  const roots = [
    { item: index, names: [name, 'example.com/team/app:2'] },
    { item: images[0]!, names: [] as string[] },
  ]
  for (const whole of [false, true]) {
    const directory = join(folder, `layout-${whole}`)
    ociLayout(directory, roots, { whole })
    const archive = await ociArchive(roots, { whole })
    for (const place of [directory, `oci:${directory}`, write(archive), `oci-archive:${write(archive)}`]) {
      const { roots: read } = await readAll(place)
      t.deepEqual(
        read.map(({ digest, names }) => [digest, names]),
        [
          [index.digest, roots[0]!.names],
          [images[0]!.digest, []],
        ],
        place,
      )
      t.is(read[0]!.ids.length, 2)
    }
    t.is((await readAll('-', archive)).roots.length, 2)
  }
})

test('openSource: a query picks by name, by all tags of a name, by ID, by number', async t => {
  const [first, second] = [await randomImage(7), await randomImage(8)]
  const path = write(
    await dockerArchive(
      [
        { item: first, names: [name, 'docker.io/library/app:2'] },
        { item: second, names: ['example.com/b:1'] },
      ],
      'middle',
    ),
  )
  const pick = async (query: string) =>
    (await readAll(`docker-archive:${path}:${query}`)).roots.map(({ names, ids }) => [ids[0], names])
  t.deepEqual(await pick('app:2'), [[first.id, ['docker.io/library/app:2']]])
  t.deepEqual(await pick('app'), [[first.id, [name, 'docker.io/library/app:2']]])
  t.deepEqual(await pick('@1'), [[second.id, ['example.com/b:1']]])
  t.deepEqual(await pick(second.id.slice(7, 20)), [[second.id, []]])
  t.is(await codeOf(pick('nothing')), 'NOT_FOUND')
  t.is(await codeOf(pick('@9')), 'NOT_FOUND')
})

/** An archive with the bytes of some files changed. */
const changed = async (
  image: TestImage,
  change: (entries: Map<string, TestEntry>) => void,
): Promise<Buffer> => {
  const entries = new Map(
    dockerEntries([{ item: image, names: [name] }], 'hybrid').map(entry => [entry.name, entry]),
  )
  change(entries)
  return tarOf([...entries.values()])
}

test('openSource: an index and a manifest.json that disagree, both readings named', async t => {
  const [image, other] = [await randomImage(9), await randomImage(10)]
  const renamed = await changed(image, entries => {
    const [item] = JSON.parse(String(entries.get('manifest.json')!.body))
    entries.set('manifest.json', {
      name: 'manifest.json',
      body: JSON.stringify([{ ...item, RepoTags: ['other:9'] }]),
    })
  })
  t.regex(
    (await readAll(write(renamed))).warnings.join(),
    /is called app:1 by index.json, other:9 by manifest.json/,
  )

  const second = await changed(image, entries => {
    for (const [path, body] of ociFiles([{ item: other }]))
      if (path.startsWith('blobs/')) entries.set(path, { name: path, body })
    const items = JSON.parse(String(entries.get('manifest.json')!.body))
    const added = {
      Config: `blobs/sha256/${other.id.slice(7)}`,
      RepoTags: null,
      Layers: other.layers.map(layer => `blobs/sha256/${layer.digest.slice(7)}`),
    }
    entries.set('manifest.json', { name: 'manifest.json', body: JSON.stringify([...items, added]) })
  })
  const both = await readAll(write(second))
  t.deepEqual(
    both.roots.map(({ ids }) => ids[0]),
    [image.id, other.id],
    'moby leaves untagged images out of the index',
  )
  t.regex(both.warnings.join(), /manifest.json lists image .* index.json does not/)

  const swapped = await changed(image, entries => {
    const [item] = JSON.parse(String(entries.get('manifest.json')!.body))
    entries.set('manifest.json', {
      name: 'manifest.json',
      body: JSON.stringify([{ ...item, Layers: [...item.Layers].reverse() }]),
    })
  })
  t.regex((await readAll(write(swapped))).warnings.join(), /disagree on the layers .*layer 1 is sha256:/)
})

test('openSource: names in documents lead to entries only (CVE-2024-3727 and docker load)', async t => {
  const image = await randomImage(11)
  const entries = dockerEntries([{ item: image, names: [name] }], 'middle').filter(
    entry => entry.name !== 'manifest.json',
  )
  const withItem = (item: object, more: readonly TestEntry[] = []) =>
    tarOf([...entries, ...more, { name: 'manifest.json', body: JSON.stringify([item]) }])
  const config = `${image.id.slice(7)}.json`
  const layers = Array(3).fill('../../../../etc/passwd')
  t.is(
    await codeOf(readAll(write(await withItem({ Config: '../../../etc/passwd', Layers: layers })))),
    'BLOB_MISSING',
  )
  t.is(await codeOf(readAll(write(await withItem({ Config: config, Layers: layers })))), 'BLOB_MISSING')
  const link: TestEntry = { name: 'link', type: 'symlink', linkname: '/etc/passwd' }
  t.is(
    await codeOf(
      readAll(write(await withItem({ Config: config, Layers: ['link', 'link', 'link'] }, [link]))),
    ),
    'BLOB_MISSING',
  )
  const circle: TestEntry[] = [
    { name: 'a', type: 'symlink', linkname: 'b' },
    { name: 'b', type: 'symlink', linkname: 'a' },
  ]
  t.is(
    await codeOf(readAll(write(await withItem({ Config: config, Layers: ['a', 'a', 'a'] }, circle)))),
    'BLOB_MISSING',
  )
})

test('openSource: two different manifest.json are two readings, so none', async t => {
  const image = await randomImage(12)
  const entries = dockerEntries([{ item: image, names: [name] }], 'middle')
  const twin = await tarOf([...entries, { name: 'manifest.json', body: '[]' }])
  t.is(await codeOf(readAll(write(twin))), 'AMBIGUOUS')
  t.is(await codeOf(readAll('-', twin)), 'AMBIGUOUS')
})

test('openOciLayout: a blob may be a link inside the layout, never out of it', async t => {
  const image = await randomImage(13)
  const directory = join(folder, 'links')
  ociLayout(directory, [{ item: image, names: [name] }])
  const blob = join(directory, 'blobs/sha256', image.layers[0]!.digest.slice(7))
  rmSync(blob)
  writeFileSync(join(directory, 'layer'), image.layers[0]!.stored)
  symlinkSync('../../layer', blob)
  t.is((await readAll(directory)).roots.length, 1)
  rmSync(blob)
  symlinkSync(write(image.layers[0]!.stored), blob)
  t.is(await codeOf(readAll(directory)), 'NOT_AN_IMAGE')
})

test('openSource: what is no image archive is told what it is, and what to do', async t => {
  const rootfs = await tarOf(['bin/', 'etc/', 'usr/', 'etc/passwd'].map(path => ({ name: path })))
  const image = await dockerArchive([{ item: await randomImage(14), names: [name] }], 'middle')
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [rootfs, /is a snapshot.*import/],
    [gzipSync(rootfs), /is a snapshot.*import/],
    [await tarOf([{ name: 'a' }, { name: '.wh.b' }]), /single image layer/],
    [await tarOf([{ name: 'a' }]), /a tar, but no image archive/],
    [Buffer.from(`\ufeff${image.toString('latin1')}`, 'utf16le'), /UTF-16.*PowerShell.*docker save -o/],
    [Buffer.from('<!DOCTYPE html><html>404'), /a web page/],
    [Buffer.from('{"errors":[]}'), /JSON, not an archive/],
    [Buffer.alloc(0), /is empty/],
    [Buffer.from('PK\x03\x04....'), /a zip file/],
    [Buffer.from('just words'), /text, not an archive/],
  ]
  for (const [bytes, message] of cases) {
    await t.throwsAsync(readAll(write(bytes)), { code: 'NOT_AN_IMAGE', message }, String(message))
    await t.throwsAsync(readAll('-', bytes), { code: 'NOT_AN_IMAGE', message }, String(message))
  }
  const twice = await readAll(write(gzipSync(gzipSync(image))))
  t.regex(twice.warnings.join(), /compressed 2 times \(gzip, then gzip\)/)
  t.is(await codeOf(readAll(write(image.subarray(0, image.length >> 1)))), 'TRUNCATED')
  t.is(await codeOf(readAll(write(gzipSync(image).subarray(0, 500)))), 'TRUNCATED')
  mkdirSync(join(folder, 'empty'))
  await t.throwsAsync(readAll(join(folder, 'empty')), {
    code: 'NOT_AN_IMAGE',
    message: /a folder, but no OCI image layout/,
  })
})

test('openSource: null in manifest.json is refused, an empty list is no images', async t => {
  t.is(await codeOf(readAll(write(await tarOf([{ name: 'manifest.json', body: 'null' }])))), 'BAD_DOCUMENT')
  t.deepEqual((await readAll(write(await tarOf([{ name: 'manifest.json', body: '[]' }])))).roots, [])
})

test("parsePlace: skopeo's names, bare paths, names in the store", t => {
  const none = () => false
  t.deepEqual(parsePlace('docker-archive:a.tar:app:1', none), {
    kind: 'docker-archive',
    path: 'a.tar',
    query: 'app:1',
  })
  t.deepEqual(parsePlace('docker-archive:a.tar:@0', none), {
    kind: 'docker-archive',
    path: 'a.tar',
    query: '@0',
  })
  t.deepEqual(parsePlace('oci:dir', none), { kind: 'oci', path: 'dir' })
  t.deepEqual(
    parsePlace('oci:with:colon', path => path === 'with:colon'),
    { kind: 'oci', path: 'with:colon' },
  )
  t.deepEqual(parsePlace('app:1', none), { kind: 'store', query: 'app:1', bare: true })
  t.deepEqual(parsePlace('dir:a:b', none), { kind: 'dir', path: 'a:b' })
  t.deepEqual(parsePlace('rootfs:-', none), { kind: 'rootfs', path: '-' })
  t.deepEqual(parsePlace('store:', none), { kind: 'store' })
  t.deepEqual(parsePlace('container:web', none), { kind: 'container', query: 'web' })
  t.deepEqual(
    parsePlace('app.tar', () => true),
    { kind: 'unknown', path: 'app.tar' },
  )
  t.deepEqual(parsePlace('localhost:5000/app:1', none), {
    kind: 'store',
    query: 'localhost:5000/app:1',
    bare: true,
  })
  for (const bad of ['', 'oci:', 'docker://a/b'])
    t.throws(() => parsePlace(bad, none), { code: 'BAD_PLACE' }, bad)
  t.throws(() => parsePlace('./missing', none), { code: 'NOT_FOUND' })
})

test('inspect: a layer that is no tar, or not compressed as its media type says, is a problem', async t => {
  const [plain, gzip] = [await randomImage(15), await randomImage(16, { encoding: 'gzip' })]
  const noTar = { ...gzip.layers[0]!, stored: gzipSync(Buffer.alloc(2000, 'x')) }
  const wrongType = { ...plain.layers[1]!, mediaType: gzip.layers[1]!.mediaType }
  const image = await randomImage(17, {
    layers: [{ ...noTar, digest: sha256(noTar.stored) }, wrongType, gzip.layers[2]!],
  })
  const directory = join(folder, 'odd')
  ociLayout(directory, [{ item: image, names: [name] }])
  const { problems } = (await inspect({ place: directory })).images[0]!
  t.is(problems.length, 2, problems.join())
  t.regex(problems[0]!, /^layer 1 of 3 .* does not begin like a tar$/)
  t.regex(problems[1]!, /^layer 2 of 3 .* is not compressed, its media type says gzip$/)
})
