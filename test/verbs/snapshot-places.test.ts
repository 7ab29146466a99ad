import {
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
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { collect } from '../../src/bytes/collect.js'
import { openStore } from '../../src/store/store.js'
import { cat } from '../../src/verbs/cat.js'
import { convert } from '../../src/verbs/convert.js'
import { cp } from '../../src/verbs/cp.js'
import { diff } from '../../src/verbs/diff.js'
import { exportSnapshot } from '../../src/verbs/export.js'
import { find } from '../../src/verbs/find.js'
import { importSnapshot } from '../../src/verbs/import.js'
import { inspect } from '../../src/verbs/inspect.js'
import { ls } from '../../src/verbs/ls.js'
import { dockerArchive, layerOf, randomImage, tarOf } from '../helpers/generate.js'

const onLinux = process.platform === 'linux' ? test : test.skip

const folder = mkdtempSync(join(tmpdir(), 'places-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let counter = 0
const fresh = () => join(folder, String(counter++))
const storeDirectory = fresh()

const entries = [
  { name: 'etc/' },
  { name: 'etc/a.conf', body: 'a' },
  { name: 'etc/b.conf', type: 'link', linkname: 'etc/a.conf' },
  { name: 'etc/now', type: 'symlink', linkname: 'a.conf' },
  { name: 'srv/.wh.kept', body: 'a name like others in a snapshot' },
] as const
const archive = async () => {
  const path = fresh()
  const item = await randomImage(1, {
    layers: [layerOf(await tarOf(entries.slice(0, 4)))],
    config: { config: { Env: ['A=1'] } },
  })
  writeFileSync(path, await dockerArchive([{ item, names: ['docker.io/library/app:1'] }], 'middle'))
  return path
}
const snapshotFile = async (encode: (bytes: Buffer) => Buffer = bytes => bytes) => {
  const path = fresh()
  writeFileSync(path, encode(await tarOf(entries)))
  return path
}
async function* streamOf(path: string) {
  yield readFileSync(path)
}

onLinux(
  'ls, find, cat, diff, export: a flat tar, a compressed one, one by standard input and a folder are one tree',
  async t => {
    const [plain, gzip] = [await snapshotFile(), await snapshotFile(gzipSync)]
    const unpacked = fresh()
    await convert({ source: `rootfs:${plain}`, destination: `dir:${unpacked}`, storeDirectory })
    const places = [
      ...[plain, `rootfs:${plain}`, gzip, unpacked, `dir:${unpacked}`].map(place => ({ place })),
      { place: 'rootfs:-', stdin: streamOf(plain) },
    ]
    for (const { place, ...rest } of places) {
      const given = () => ({ place, ...rest, ...('stdin' in rest && { stdin: streamOf(plain) }) })
      const names = (await ls({ ...given(), recursive: true })).map(({ path, links }) => `${path} ${links}`)
      t.deepEqual(
        names,
        ['etc 1', 'etc/a.conf 2', 'etc/b.conf 2', 'etc/now 1', 'srv 1', 'srv/.wh.kept 1'],
        place,
      )
      t.is((await find({ ...given(), glob: '**/*.conf' })).length, 2)
      let content = ''
      await cat({
        ...given(),
        path: '/etc/now',
        write: async stream => {
          content = (await collect(stream, { max: 100, what: 'file' })).toString()
        },
      })
      t.is(content, 'a')
      await t.throwsAsync(ls({ ...given(), layer: 0 }), { code: 'NOT_FOUND' })
      await t.throwsAsync(ls({ ...given(), path: 'nowhere' }), { code: 'NOT_FOUND' })
    }
    t.true((await diff({ from: plain, to: unpacked })).same)
    const [one, other] = [fresh(), fresh()]
    await exportSnapshot({ place: unpacked, output: one })
    await exportSnapshot({ place: unpacked, output: other })
    t.true(readFileSync(one).equals(readFileSync(other)))
    t.true((await diff({ from: one, to: plain })).same)
    writeFileSync(join(unpacked, 'etc/a.conf'), 'b')
    writeFileSync(join(unpacked, 'new'), '')
    const { files } = await diff({ from: plain, to: unpacked })
    t.deepEqual(
      files.map(
        ({ path, change, aspects }) => `${change} ${path} ${aspects.filter(aspect => aspect !== 'mtime')}`,
      ),
      ['changed etc/a.conf content', 'changed etc/b.conf content', 'added new '],
    )
  },
)

onLinux('inspect: a snapshot tells what is in it and of which image it is', async t => {
  const output = fresh()
  await exportSnapshot({ place: await archive(), output })
  const { kind, snapshot } = await inspect({ place: output })
  t.is(kind, 'rootfs')
  t.is(snapshot?.entries, 4)
  t.is(snapshot?.size, 1)
  t.deepEqual(snapshot?.carried?.names, ['docker.io/library/app:1'])
  t.deepEqual(JSON.parse(JSON.stringify(snapshot?.carried?.config.config)), { Env: ['A=1'] })
  t.deepEqual((await inspect({ place: await snapshotFile() })).snapshot, { entries: 6, size: 33 })
})

onLinux(
  'importSnapshot: a folder, a URL with a redirection; the image is what the tar would give',
  async t => {
    const file = await snapshotFile(gzipSync)
    const unpacked = fresh()
    await convert({ source: `rootfs:${file}`, destination: `dir:${unpacked}`, storeDirectory })
    const store = await openStore(storeDirectory, { create: true })
    const answers: Readonly<Record<string, RequestListener>> = {
      '/moved': (_, response) => response.writeHead(302, { location: '/file' }).end(),
      '/file': (_, response) => response.end(readFileSync(file)),
      '/loop': (_, response) => response.writeHead(302, { location: '/loop' }).end(),
      '/broken': (_, response) => {
        response.writeHead(200, { 'content-length': 100_000 })
        response.write(readFileSync(file).subarray(0, 50))
        setTimeout(() => response.destroy(), 50)
      },
    }
    const server = createServer((request, response) =>
      (answers[request.url!] ?? ((_, response) => response.writeHead(404).end()))(request, response),
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const created = '2024-01-01T00:00:00Z'
    const options = { store, created, message: 'm' }
    const fromFile = await importSnapshot({ ...options, input: file })
    t.is((await importSnapshot({ ...options, input: `${url}/moved` })).digest, fromFile.digest)
    await t.throwsAsync(importSnapshot({ ...options, input: `${url}/nothing` }), {
      code: 'NOT_FOUND',
      message: /404/,
    })
    await t.throwsAsync(importSnapshot({ ...options, input: `${url}/loop` }), {
      code: 'NOT_FOUND',
      message: /not followed/,
    })
    await t.throwsAsync(importSnapshot({ ...options, input: `${url}/broken` }), { code: 'TRUNCATED' })
    await t.throwsAsync(importSnapshot({ ...options, input: 'http://127.0.0.1:1/x' }), { code: 'NOT_FOUND' })
    server.close()
    const { digest } = await importSnapshot({ ...options, input: unpacked, name: 'folder:1' })
    t.is((await importSnapshot({ ...options, input: `dir:${unpacked}` })).digest, digest)
    // In an image a name like a whiteout's means one; the folder has the same tree otherwise.
    const { files } = await diff({ from: unpacked, to: 'store:folder:1', storeDirectory })
    t.deepEqual(
      files.map(({ path }) => path.toString()),
      ['srv/.wh.kept'],
    )
  },
)

onLinux(
  'convert: into a folder that is not empty, or that fails on the way: nothing is left, nothing is touched',
  async t => {
    const source = await archive()
    const base = fresh()
    mkdirSync(base)
    const to = (name: string) => convert({ source, destination: `dir:${join(base, name)}`, storeDirectory })
    mkdirSync(join(base, 'empty'))
    await to('empty')
    t.true(existsSync(join(base, 'empty/etc/a.conf')))
    await t.throwsAsync(to('empty'), { code: 'USAGE', message: /not empty/ })
    writeFileSync(join(base, 'file'), 'x')
    await t.throwsAsync(to('file'), { code: 'USAGE' })
    await t.throwsAsync(to('no/such'), { code: 'NOT_FOUND' })
    for (const options of [
      { squash: { from: 1, to: 1 } },
      { preserveDigests: true },
      { changes: ['ENV A=1'] },
    ])
      await t.throwsAsync(
        convert({ source, destination: `dir:${join(base, 'x')}`, storeDirectory, ...options }),
        { code: 'USAGE' },
      )
    // A flat tar whose last file is cut: what was there of the tree goes again.
    const cut = fresh()
    writeFileSync(
      cut,
      (await tarOf([{ name: 'a' }, { name: 'b', body: 'x'.repeat(5000) }])).subarray(0, 4000),
    )
    await t.throwsAsync(
      convert({ source: `rootfs:${cut}`, destination: `dir:${join(base, 'cut')}`, storeDirectory }),
      { code: 'TRUNCATED' },
    )
    t.deepEqual(readdirSync(base), ['empty', 'file'])
  },
)

onLinux('cp: a file into a folder, to a name, over a file; a folder; never into another folder', async t => {
  const place = await archive()
  const base = fresh()
  mkdirSync(base)
  const at = (name: string) => join(base, name)
  await cp({ place, path: '/etc/a.conf', destination: base })
  t.is(readFileSync(at('a.conf'), 'utf8'), 'a')
  t.is(statSync(at('a.conf')).uid, process.getuid!())
  writeFileSync(at('old'), 'old')
  await cp({ place, path: 'etc/b.conf', destination: at('old') })
  t.is(readFileSync(at('old'), 'utf8'), 'a')
  await cp({ place, path: '/etc', destination: base })
  t.deepEqual(readdirSync(at('etc')).sort(), ['a.conf', 'b.conf', 'now'])
  t.is(statSync(at('etc/a.conf')).ino, statSync(at('etc/b.conf')).ino)
  await t.throwsAsync(cp({ place, path: '/etc', destination: base }), {
    code: 'USAGE',
    message: /in the way/,
  })
  await t.throwsAsync(cp({ place, path: '/nothing', destination: base }), { code: 'NOT_FOUND' })
  await t.throwsAsync(cp({ place, path: '/etc', destination: at('no/such/') }), { code: 'NOT_FOUND' })
  await t.throwsAsync(cp({ place, path: '/etc', destination: at('no/such') }), { code: 'NOT_FOUND' })
  symlinkSync('nowhere', at('dangling'))
  await cp({ place, path: '/', destination: at('all') })
  t.deepEqual(readdirSync(at('all')), ['etc'])
  t.deepEqual(readdirSync(base).sort(), ['a.conf', 'all', 'dangling', 'etc', 'old'])
})
