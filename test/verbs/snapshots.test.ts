import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { memorySource } from '../../src/bytes/memory-source.js'
import { loadTree } from '../../src/image/view.js'
import { decodeCarried, encodeCarried } from '../../src/layer/carried.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { parsePlatform } from '../../src/spec/platform.js'
import { openStore } from '../../src/store/store.js'
import { scanSource } from '../../src/tar/scan-source.js'
import { type ExportOptions, exportSnapshot } from '../../src/verbs/export.js'
import { type ImportOptions, importSnapshot } from '../../src/verbs/import.js'
import { dockerArchive, layerOf, randomImage, tarOf } from '../helpers/generate.js'

const folder = mkdtempSync(join(tmpdir(), 'snapshot-verbs-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let counter = 0
const fresh = () => join(folder, String(counter++))

const config = {
  author: 'me',
  config: {
    Env: ['A=1'],
    Cmd: ['/x'],
    Entrypoint: ['/e'],
    User: 'u',
    WorkingDir: '/w',
    Labels: { l: '1' },
    ExposedPorts: { '80/tcp': {} },
    Volumes: { '/v': {} },
    Healthcheck: { Test: ['NONE'] },
  },
}
const archive = async (encoding: 'none' | 'gzip' = 'none') => {
  const base = layerOf(
    await tarOf([
      { name: 'etc/' },
      { name: 'etc/a', body: 'a' },
      { name: 'etc/gone', body: 'x' },
      { name: 'first', body: 'linked' },
      { name: 'second', type: 'link', linkname: 'first' },
    ]),
    encoding,
  )
  const top = layerOf(
    await tarOf([
      { name: 'etc/.wh.gone' },
      { name: '.wh.first' },
      { name: 'bin/big', body: 'y'.repeat(200_000) },
    ]),
    encoding,
  )
  const path = fresh()
  writeFileSync(
    path,
    await dockerArchive(
      [{ item: await randomImage(1, { layers: [base, top], config }), names: ['docker.io/library/app:1'] }],
      'middle',
    ),
  )
  return path
}
const exported = async (place: string, options: Partial<ExportOptions> = {}) => {
  const output = fresh()
  const result = await exportSnapshot({ place, output, ...options })
  const bytes = readFileSync(output)
  return { ...result, output, raw: bytes }
}
const listing = async (tar: Buffer) =>
  Array.from(
    await indexLayer(memorySource(tar)),
    ({ path, type, linkPath }) => `${path}${type === 'hardlink' ? `=${linkPath}` : ''}`,
  )
const imported = async (options: Omit<ImportOptions, 'store'>, directory = fresh()) => {
  const store = await openStore(directory, { create: true })
  const result = await importSnapshot({ store, created: '2024-01-01T00:00:00Z', ...options })
  await using source = store.source()
  const root = (await source.roots()).find(({ descriptor }) => descriptor.digest === result.digest)!
  const image = (await loadTree(source, root)).images[0]!
  return { ...result, image, store }
}

test('exportSnapshot: one tree, whiteouts gone, a hard link whose first name is gone carries the content', async t => {
  for (const encoding of ['none', 'gzip'] as const) {
    const { raw, entries, losses } = await exported(await archive(encoding), { bare: true })
    t.deepEqual(await listing(raw), ['bin/', 'bin/big', 'etc/', 'etc/a', 'second'])
    t.is(entries, 5)
    t.true(raw.includes('linked'))
    t.deepEqual([...new Set(losses.map(({ what }) => what.split('.')[0]))].sort(), [
      'author',
      'config',
      'created',
      'history',
      'layers',
      'name',
    ])
    t.true(losses.some(({ what }) => what === 'config.Env'))
  }
})

test('exportSnapshot: the same bytes twice, from layers compressed or not; globs; compression', async t => {
  const [plain, gzip] = [await archive(), await archive('gzip')]
  const { raw } = await exported(plain, { bare: true })
  t.true(raw.equals((await exported(plain, { bare: true })).raw))
  t.true(raw.equals((await exported(gzip, { bare: true })).raw))
  t.deepEqual(await listing((await exported(plain, { include: ['etc'] })).raw), ['etc/', 'etc/a'])
  t.deepEqual(await listing((await exported(plain, { exclude: ['bin', 'a'] })).raw), ['etc/', 'second'])
  t.deepEqual(
    (await exported(plain, { compress: { algorithm: 'gzip' } })).raw.subarray(0, 2),
    Buffer.from([0x1f, 0x8b]),
  )
})

test('carried metadata: a global header that only we read; too large is not carried; another comment is none of ours', async t => {
  const carried = { config: Buffer.from('{"a":1}'), names: ['docker.io/library/a:1'], manifest: 'sha256:x' }
  const header = encodeCarried(carried)!
  const found: unknown[] = []
  await scanSource(memorySource(Buffer.concat([header, Buffer.alloc(1024)])), {
    entry: () => t.fail(),
    global: records => found.push(decodeCarried(records)),
  })
  t.deepEqual(found, [carried])
  t.is(encodeCarried({ ...carried, config: Buffer.alloc(2 << 20) }), undefined)
  for (const value of ['a commit', 'lading-snapshot 1 {', 'lading-snapshot 1 {"config":5}'])
    t.is(decodeCarried([{ key: 'comment', value: Buffer.from(value) }]), undefined)
})

test('importSnapshot: what export carried comes back; one honest history entry; names the history as lost', async t => {
  const { output } = await exported(await archive())
  const { image, restored, losses } = await imported({ input: output, name: 'app:flat' })
  t.true(restored)
  t.deepEqual(JSON.parse(JSON.stringify(image.config.config)), config.config)
  t.is(image.config.author, 'me')
  t.deepEqual(
    losses.map(({ what }) => what),
    ['history'],
  )
  t.deepEqual(
    image.config.history.map(({ createdBy, comment }) => [createdBy, comment]),
    [['lading import', `Imported from ${output}`]],
  )
  const bare = await imported({ input: output, bare: true })
  t.deepEqual(Object.keys(bare.image.config.config), [])
})

test('importSnapshot: changes, message, platform, config of another image; the same input gives the same image', async t => {
  const { output } = await exported(await archive(), { bare: true })
  const options = {
    input: output,
    changes: ['CMD ["x"]', 'ENV B=2'],
    message: 'hello',
    platform: parsePlatform('linux/arm64'),
  }
  const one = await imported(options)
  t.deepEqual(JSON.parse(JSON.stringify(one.image.config.config)), { Cmd: ['x'], Env: ['B=2'] })
  t.is(one.image.config.architecture, 'arm64')
  t.is(one.image.config.history[0]!.comment, 'hello')
  t.is((await imported(options)).digest, one.digest)
  const other = await imported({
    input: output,
    configFrom: `docker-archive:${await archive()}`,
    changes: ['UNSET ENV A'],
  })
  t.is((other.image.config.config.Cmd as string[])[0], '/x')
  t.deepEqual(other.image.config.config.Env, [])
})

test('importSnapshot: any compression, from standard input; the blob stays as it came where a media type can say so', async t => {
  const tar = await tarOf([{ name: 'a', body: 'x' }])
  for (const bytes of [tar, gzipSync(tar), gzipSync(gzipSync(tar))]) {
    const { image, store } = await imported({ input: '-', stdin: memorySource(bytes).stream() })
    t.is(image.layers[0]!.diffId, layerOf(tar).diffId)
    t.deepEqual(await store.check(), [])
  }
})

test('importSnapshot: an image archive, no tar, a bad change, a bad name: told, and the store is as before', async t => {
  const store = await openStore(fresh(), { create: true })
  const text = fresh()
  writeFileSync(text, 'this is no tar at all, but it is longer than one block. '.repeat(20))
  const { output } = await exported(await archive(), { bare: true })
  const bad: readonly (readonly [Partial<ImportOptions>, string, RegExp])[] = [
    [{ input: await archive() }, 'NOT_AN_IMAGE', /is an image archive.*lading load/],
    [{ input: text }, 'NOT_AN_IMAGE', /no tar/],
    [{ input: output, changes: ['RUN x'] }, 'USAGE', /Bad change/],
    [{ input: output, name: 'Bad' }, 'BAD_REFERENCE', /lower case/],
    [{ input: join(folder, 'nothing') }, 'NOT_FOUND', /There is nothing at/],
  ]
  for (const [options, code, message] of bad)
    await t.throwsAsync(importSnapshot({ input: output, store, ...options }), { code, message })
  t.deepEqual(await store.roots(), [])
  t.deepEqual(await store.check(), [])
  t.is((await store.sweep()).blobs.length, 0)
  const layer = fresh()
  writeFileSync(layer, await tarOf([{ name: 'a' }, { name: '.wh.b' }]))
  t.regex((await importSnapshot({ input: layer, store })).warnings[0]!.message, /looks like an image layer/)
})
