import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { loadTree } from '../../src/image/view.js'
import { changesetEntries } from '../../src/layer/changeset.js'
import { mergeTocs } from '../../src/layer/merged-tree.js'
import { openStore } from '../../src/store/store.js'
import { openSource } from '../../src/transports/open.js'
import { parsePlace } from '../../src/transports/place.js'
import { type ConvertOptions, convert } from '../../src/verbs/convert.js'
import { diff } from '../../src/verbs/diff.js'
import { exportSnapshot } from '../../src/verbs/export.js'
import {
  dockerArchive,
  layerOf,
  ociArchive,
  randomImage,
  sha256,
  type TestEntry,
  tarOf,
} from '../helpers/generate.js'

const folder = mkdtempSync(join(tmpdir(), 'convert-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let counter = 0
const fresh = () => join(folder, String(counter++))
const storeDirectory = join(folder, 'store')

const imageOf = async (place: string) => {
  await using source = await openSource(parsePlace(place), { storeDirectory })
  const [root] = await source.roots()
  const image = (await loadTree(source, root!)).images[0]!
  await Promise.all(image.layers.map(layer => layer.toc()))
  return image
}
/** The merged tree as export writes it, so names, attributes and contents. */
const treeOf = async (place: string): Promise<string> => {
  const output = fresh()
  await exportSnapshot({ place, output, bare: true, storeDirectory })
  return sha256(readFileSync(output))
}
const layered = async (...layers: readonly (readonly TestEntry[])[]): Promise<string> => {
  const path = fresh()
  const image = await randomImage(1, {
    layers: await Promise.all(layers.map(async entries => layerOf(await tarOf(entries)))),
  })
  writeFileSync(path, await dockerArchive([{ item: image, names: ['docker.io/library/app:1'] }], 'middle'))
  return path
}
const run = async (source: string, options: Partial<ConvertOptions>) => {
  const destination = options.destination ?? fresh()
  return { destination, ...(await convert({ source, storeDirectory, ...options, destination })) }
}
const file = (name: string, body = name): TestEntry => ({ name, body })
const link = (name: string, linkname: string): TestEntry => ({ name, type: 'link', linkname })

const stacks: Readonly<Record<string, readonly (readonly TestEntry[])[]>> = {
  'files replaced': [[file('a'), file('b')], [file('a', '2')], [file('a', '3')], [file('c')]],
  'deleted, and made again': [
    [file('a'), file('d/x')],
    [file('.wh.a'), file('.wh.d')],
    [file('a', 'new'), file('d/y')],
    [file('e')],
  ],
  opaque: [
    [file('d/x'), file('d/e/z')],
    [{ name: 'd/' }, file('d/.wh..wh..opq', ''), file('d/y')],
    [file('d/e/w')],
    [file('q')],
  ],
  'type changes': [[file('a'), file('b/x')], [file('a/x'), file('.wh.b')], [file('b')], [file('z')]],
  'hard links across layers': [
    [file('a'), link('b', 'a')],
    [link('c', 'a')],
    [file('.wh.a')],
    [file('b', 'own')],
  ],
  'a link to a name that goes': [[file('k')], [file('a'), link('b', 'a')], [file('.wh.a')], [file('z')]],
  'a name that comes and goes': [[file('k')], [file('t')], [file('.wh.t')], [file('z')]],
}
for (const [title, layers] of Object.entries(stacks))
  test(`convert: flattened and squashed, the tree stays the same: ${title}`, async t => {
    const source = await layered(...layers)
    const tree = await treeOf(source)
    const flat = await run(source, { flatten: true })
    t.is((await imageOf(flat.destination)).layers.length, 1)
    t.is(await treeOf(flat.destination), tree)
    t.deepEqual((await diff({ from: source, to: flat.destination })).files, [])
    for (const [from, to] of [
      [1, 2],
      [2, 3],
      [2, 4],
      [1, 4],
      [3, 3],
    ] as const) {
      const squashed = await run(source, { squash: { from, to } })
      const [before, after] = [await imageOf(source), await imageOf(squashed.destination)]
      t.is(await treeOf(squashed.destination), tree, `${from}..${to}`)
      const kept = before.layers
        .filter((_, index) => index < from - 1 || index >= to)
        .map(({ diffId }) => diffId)
      const left = after.layers.filter((_, index) => index !== from - 1).map(({ diffId }) => diffId)
      t.deepEqual(left, kept, 'the other layers are the same')
      t.is(after.history.missing + after.history.surplus, 0)
    }
  })

test('convert: the same squash gives the same bytes; a layer by itself is not changed in what it does', async t => {
  const source = await layered(...stacks.opaque!)
  const [one, two] = [
    await run(source, { squash: { from: 2, to: 3 } }),
    await run(source, { squash: { from: 2, to: 3 } }),
  ]
  t.true(readFileSync(one.destination).equals(readFileSync(two.destination)))
  const image = await imageOf(source)
  const tocs = await Promise.all(image.layers.map(layer => layer.toc()))
  t.deepEqual(changesetEntries(mergeTocs(tocs), mergeTocs(tocs)), [])
})

test('convert: history kept, collapsed, dropped; changes; what is lost', async t => {
  const source = await layered(...stacks['files replaced']!)
  const entries = async (options: Partial<ConvertOptions>) =>
    (await imageOf((await run(source, options)).destination)).history.entries.length
  const all = (await imageOf(source)).history.entries.length
  t.is(await entries({ squash: { from: 2, to: 3 }, history: 'keep' }), all)
  t.is(await entries({ squash: { from: 2, to: 3 } }), all - 1)
  const changed = await run(source, { changes: ['ENV X=1'] })
  t.true(((await imageOf(changed.destination)).config.config.Env as string[]).includes('X=1'))
  t.deepEqual(
    changed.losses.map(({ what }) => what),
    ['manifest-digest'],
  )
  t.deepEqual(
    (await run(source, { flatten: true })).losses.map(({ what }) => what),
    ['manifest-digest', 'layers', 'history'],
  )
  await t.throwsAsync(run(source, { squash: { from: 2, to: 9 } }), {
    code: 'USAGE',
    message: /the image has 4/,
  })
})

test('convert: as it is, into every kind of place; --preserve-digests keeps or fails', async t => {
  const image = await randomImage(7, { encoding: 'gzip', annotations: { own: 'manifest' } })
  const source = fresh()
  writeFileSync(source, await ociArchive([{ item: image, names: ['docker.io/library/app:1'] }]))
  for (const destination of [fresh(), `oci-archive:${fresh()}`, `oci:${fresh()}:app:1`, 'store:app:2']) {
    const { losses } = await run(source, { destination, preserveDigests: true })
    t.deepEqual(losses, [], destination)
    t.is((await imageOf(destination)).manifest.descriptor.digest, image.digest, destination)
  }
  const docker = fresh()
  await t.throwsAsync(run(source, { destination: `docker-archive:${docker}`, preserveDigests: true }), {
    code: 'UNSUPPORTED',
    message: /a docker archive holds no manifests/,
  })
  await t.throwsAsync(run(source, { destination: docker, flatten: true, preserveDigests: true }), {
    code: 'UNSUPPORTED',
  })
  t.false(existsSync(docker))
  t.deepEqual(
    (await run(source, { destination: `docker-archive:${docker}` })).losses.map(({ what }) => what).sort(),
    ['compression', 'manifest-digest'],
  )
  t.deepEqual(await (await openStore(storeDirectory)).check(), [])
})

test('diff: files added, deleted, changed in what; config, layers, history; contents that differ in nothing else', async t => {
  const old = await layered([
    file('same'),
    file('gone/x'),
    file('text', 'one'),
    { ...file('mode'), mode: 0o644 },
    link('hard', 'same'),
  ])
  const now = await layered([
    file('same'),
    file('text', 'two'),
    { ...file('mode'), mode: 0o600 },
    file('hard', 'same'),
    file('new'),
  ])
  const found = await diff({ from: old, to: now })
  t.deepEqual(
    found.files.map(({ path, change, aspects }) => [path.toString(), change, ...aspects]),
    [
      ['gone', 'deleted'],
      ['gone/x', 'deleted'],
      ['hard', 'changed', 'hard-links'],
      ['mode', 'changed', 'mode'],
      ['new', 'added'],
      ['same', 'changed', 'hard-links'],
      ['text', 'changed', 'content'],
    ],
  )
  t.deepEqual([found.same, found.layers, found.config], [false, { common: 0, from: 1, to: 1 }, []])
  t.true((await diff({ from: old, to: old })).same)
  const changed = await run(old, { changes: ['ENV X=1'] })
  t.deepEqual((await diff({ from: old, to: changed.destination })).config, ['config.Env'])
})
