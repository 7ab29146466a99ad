import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { type Medium, possibleLosses } from '../../src/image/capabilities.js'
import { openStore } from '../../src/store/store.js'
import { encodeEntry, endOfArchive } from '../../src/tar/write.js'
import { type ConvertOptions, convert } from '../../src/verbs/convert.js'
import { exportSnapshot } from '../../src/verbs/export.js'
import { importSnapshot } from '../../src/verbs/import.js'
import { dockerArchive, indexOf, layerOf, ociArchive, randomImage, tarOf } from '../helpers/generate.js'

// What each pair of places loses, as the loss reports say it; and that nothing is lost which the table of
// capabilities (and so the README) does not foresee.
const folder = mkdtempSync(join(tmpdir(), 'losses-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let counter = 0
const fresh = () => join(folder, String(counter++))
const storeDirectory = fresh()

const path = (text: string) => Buffer.from(text)
/** A layer with something in it that only some media can hold. */
const rich = Buffer.concat([
  encodeEntry({
    ...{ path: path('rich'), type: 'file', mtime: { seconds: 1, nanos: 2 } },
    xattrs: [{ name: path('user.x'), value: path('1') }],
    records: [{ key: 'MSWINDOWS.rawsd', value: path('AQ==') }],
  }),
  endOfArchive,
])
const config = { author: 'me', config: { Env: ['A=1'], Cmd: ['/x'], Labels: { a: 'b' } } }
const names = ['docker.io/library/app:1']

const sources: Record<string, { place: string; medium: Medium }> = {}
test.before(async () => {
  const layers = [layerOf(rich), layerOf(await tarOf([{ name: 'a', body: 'a' }]))]
  const packed = [layerOf(rich, 'gzip'), layerOf(await tarOf([{ name: 'a', body: 'a' }]), 'gzip')]
  const docker = fresh()
  writeFileSync(
    docker,
    await dockerArchive([{ item: await randomImage(1, { layers, config }), names }], 'middle'),
  )
  const multi = fresh()
  const platforms = [
    await randomImage(2, { layers: packed, config }),
    await randomImage(3, { layers: packed, config, platform: { os: 'linux', architecture: 'arm64' } }),
  ]
  writeFileSync(multi, await ociArchive([{ item: indexOf(platforms, { attested: true }), names }]))
  const [rootfs, bare, dir] = [fresh(), fresh(), fresh()]
  const platform = { os: 'linux', architecture: 'amd64' }
  await exportSnapshot({ place: docker, output: rootfs })
  await exportSnapshot({ place: docker, output: bare, bare: true })
  await convert({ source: docker, destination: `dir:${dir}`, storeDirectory })
  await convert({ source: multi, destination: 'store:app:1', storeDirectory })
  const both = fresh()
  await convert({ source: multi, destination: both, storeDirectory, platform })
  Object.assign(sources, {
    'docker archive': { place: docker, medium: 'docker-archive' },
    'multi-platform OCI archive': { place: multi, medium: 'oci-archive' },
    'one platform in the file that is both': { place: both, medium: 'docker+oci-archive' },
    store: { place: 'store:app:1', medium: 'store' },
    rootfs: { place: `rootfs:${rootfs}`, medium: 'rootfs' },
    'bare rootfs': { place: `rootfs:${bare}`, medium: 'rootfs-bare' },
    folder: { place: `dir:${dir}`, medium: 'dir' },
  })
})

const destinations: Readonly<Record<string, { place: (path: string) => string; medium: Medium }>> = {
  docker: { place: path => `docker-archive:${path}`, medium: 'docker-archive' },
  'oci-archive': { place: path => `oci-archive:${path}`, medium: 'oci-archive' },
  both: { place: path => path, medium: 'docker+oci-archive' },
  oci: { place: path => `oci:${path}`, medium: 'oci-layout' },
  store: { place: () => 'store:copy:1', medium: 'store' },
  rootfs: { place: path => `rootfs:${path}`, medium: 'rootfs' },
  dir: { place: path => `dir:${path}`, medium: 'dir' },
}

/** The words of the report, each once, those of the config's fields as one; for `dir`, without what hangs on the file system. */
const words = (losses: readonly { what: string }[]): string =>
  [
    ...new Set(
      losses.map(({ what }) => (/^(?:config\.|author$|created$|comment$)/.test(what) ? 'config' : what)),
    ),
  ]
    .filter(what => !['xattr', 'owner'].includes(what))
    .sort()
    .join(' ')

const none = { docker: '', 'oci-archive': '', both: '', oci: '', store: '', rootfs: '', dir: '' }
const index = {
  ...none,
  docker: 'artifact compression index manifest-digest platform',
  rootfs: 'artifact history index layers platform',
  dir: 'artifact config history index layers name pax-record platform',
}
const image = { rootfs: 'history layers', dir: 'config history layers name pax-record' }
const history = Object.fromEntries(Object.keys(none).map(to => [to, 'history']))
const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'docker archive': { ...none, ...image },
  'multi-platform OCI archive': index,
  'one platform in the file that is both': { ...none, ...image, docker: 'compression manifest-digest' },
  store: index,
  rootfs: { ...history, rootfs: '', dir: 'config name pax-record' },
  'bare rootfs': none,
  folder: none,
}

test('convert: what every pair of places loses', async t => {
  const found: Record<string, Record<string, string>> = {}
  for (const [from, source] of Object.entries(sources)) {
    found[from] = {}
    for (const [to, destination] of Object.entries(destinations)) {
      const { losses } = await convert({
        ...{ source: source.place, destination: destination.place(fresh()), storeDirectory },
        ...((to === 'rootfs' || to === 'dir') && { platform: { os: 'linux', architecture: 'amd64' } }),
      })
      found[from][to] = words(losses)
      const foreseen = possibleLosses(source.medium, destination.medium)
      for (const what of words(losses).split(' ').filter(Boolean))
        t.true(foreseen.includes(what as never), `${from} → ${to}: ${what}`)
      for (const { why, where, count } of losses) t.true(why.length > 5 && where !== '' && count > 0)
    }
  }
  t.deepEqual(found, expected)
})

const amd64 = { os: 'linux', architecture: 'amd64' }
/** What is lost because it was asked for: a change of the image on the way. */
const changes: readonly (readonly [from: string, options: Partial<ConvertOptions>, words: string])[] = [
  ['docker archive', { flatten: true }, 'history layers manifest-digest'],
  ['docker archive', { flatten: true, history: 'keep' }, 'layers manifest-digest'],
  ['docker archive', { squash: { from: 1, to: 2 }, history: 'drop' }, 'history layers manifest-digest'],
  ['docker archive', { changes: ['ENV B=2'] }, 'manifest-digest'],
  ['docker archive', { compress: { algorithm: 'gzip' } }, ''],
  ['multi-platform OCI archive', { platform: amd64 }, 'artifact index platform'],
  [
    'multi-platform OCI archive',
    { flatten: true, platform: amd64 },
    'artifact history index layers manifest-digest platform',
  ],
  ['store', { compress: { algorithm: 'none' } }, 'manifest-digest'],
  ['folder', { flatten: true }, ''],
]
test('convert: what is lost by what was asked for', async t => {
  for (const [from, options, wanted] of changes) {
    const { losses } = await convert({
      ...{ source: sources[from]!.place, destination: fresh(), storeDirectory },
      ...options,
    })
    t.is(words(losses), wanted, `${from} ${JSON.stringify(options)}`)
  }
})

test('export --bare, and export | import: each field of the config by its name, or none', async t => {
  const [docker, multi] = [sources['docker archive']!.place, sources['multi-platform OCI archive']!.place]
  const fields =
    'author config.Cmd config.Env config.Labels created history layers name pax-record sub-second-time xattr'
  const all = (losses: readonly { what: string }[]) =>
    losses
      .map(({ what }) => what)
      .sort()
      .join(' ')
  t.is(all((await exportSnapshot({ place: docker, output: fresh(), bare: true })).losses), fields)
  t.is(
    all((await exportSnapshot({ place: multi, output: fresh(), bare: true, platform: amd64 })).losses),
    `artifact ${fields.replace('layers', 'index layers').replace('sub-', 'platform sub-')}`,
  )
  const output = fresh()
  t.is(all((await exportSnapshot({ place: docker, output })).losses), 'history layers')
  const store = await openStore(storeDirectory, { create: true })
  t.is(all((await importSnapshot({ input: output, store })).losses), 'history')
  t.is(all((await importSnapshot({ input: output, store, bare: true })).losses), '')
})
