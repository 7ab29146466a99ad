import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { digestOf } from '../../src/bytes/hasher.js'
import { openStore } from '../../src/store/store.js'
import { encodeEntry, endOfArchive, padding } from '../../src/tar/write.js'
import { convert } from '../../src/verbs/convert.js'
import { exportSnapshot } from '../../src/verbs/export.js'
import { load } from '../../src/verbs/load.js'
import { save } from '../../src/verbs/save.js'
import { verify } from '../../src/verbs/verify.js'
import { dockerArchive, layerOf, randomImage } from '../helpers/generate.js'

// Large enough for every path by which threads share the work.
const folder = mkdtempSync(join(tmpdir(), 'large-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

const layer = (files: number, size: number): Buffer =>
  Buffer.concat([
    ...Array.from({ length: files }, (_, index) => [
      encodeEntry({ path: Buffer.from(`file-${files}-${index}`), type: 'file', size }),
      index % 2 === 0 ? randomBytes(size) : Buffer.alloc(size, `${index} `),
      padding(size),
    ]).flat(),
    endOfArchive,
  ])

test.before(async () => {
  const layers = [layer(70, 1_000_003), layer(12, 1_000_003), layer(3, 100)].map(bytes => layerOf(bytes))
  const image = await randomImage(7, { layers })
  writeFileSync(
    at('in.tar'),
    await dockerArchive([{ item: image, names: ['docker.io/library/large:1'] }], 'middle'),
  )
  await load({ input: at('in.tar'), store: await openStore(at('store'), { create: true }) })
})

const wrongIn = async (place: string) => (await verify({ place, storeDirectory: at('store') })).findings

test('load, save and convert keep an image of large layers, in every form', async t => {
  const [source, storeDirectory] = ['large:1', at('store')]
  t.deepEqual(await (await openStore(storeDirectory)).check(), [])
  for (const format of ['both', 'docker', 'oci'] as const) {
    await save({ places: [source], output: at(`${format}.tar`), format, storeDirectory })
    t.deepEqual(await wrongIn(at(`${format}.tar`)), [], format)
  }
  await convert({ source, destination: `oci:${at('layout')}:large:1`, storeDirectory })
  t.deepEqual(await wrongIn(`oci:${at('layout')}`), [])
  const compress = { algorithm: 'gzip', level: 1 } as const
  await convert({ source, destination: `oci-archive:${at('gzip.tar')}`, compress, storeDirectory })
  t.deepEqual(await wrongIn(at('gzip.tar')), [])
  for (const [place, output] of [
    [source, 'flat.tar'],
    [at('gzip.tar'), 'again.tar'],
  ] as const)
    await exportSnapshot({ place, output: at(output), bare: true, storeDirectory })
  t.is(digestOf(readFileSync(at('flat.tar'))), digestOf(readFileSync(at('again.tar'))))
})

test('save and convert: one wrong byte in a large layer is told, and nothing is left', async t => {
  const bytes = readFileSync(at('in.tar'))
  const damaged = at('damaged.tar')
  writeFileSync(damaged, bytes)
  const fd = openSync(damaged, 'r+')
  // In the middle of the content of the largest layer.
  writeSync(fd, Buffer.from([bytes[30 << 20]! ^ 1]), 0, 1, 30 << 20)
  closeSync(fd)
  const storeDirectory = at('store')
  const refuse = async (work: Promise<unknown>) => t.throwsAsync(work, { code: 'DIGEST_MISMATCH' })
  await refuse(save({ places: [damaged], output: at('no.tar'), format: 'both', storeDirectory }))
  await refuse(convert({ source: damaged, destination: `oci:${at('no')}`, storeDirectory }))
  const compress = { algorithm: 'gzip', level: 1 } as const
  await refuse(
    convert({ source: damaged, destination: `oci-archive:${at('no.tar')}`, compress, storeDirectory }),
  )
  await refuse(convert({ source: damaged, destination: `rootfs:${at('no.tar')}`, storeDirectory }))
  await refuse(convert({ source: damaged, destination: `dir:${at('no')}`, storeDirectory }))
  // A store that has the layers already would not read them.
  const other = await openStore(at('other'), { create: true })
  await refuse(load({ input: damaged, store: other }))
  t.deepEqual(await other.roots(), [])
  t.throws(() => readFileSync(at('no.tar')), { code: 'ENOENT' })
  t.throws(() => readFileSync(at('no')), { code: 'ENOENT' })
  t.deepEqual(await other.check(), [])
})
