import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { LadingError } from '../../src/spec/errors.js'
import { parseReference } from '../../src/spec/reference.js'
import { defaultStoreDirectory } from '../../src/store/places.js'
import { openStore, type Store } from '../../src/store/store.js'
import { load } from '../../src/verbs/load.js'
import {
  dockerArchive,
  indexOf,
  layerOf,
  ociArchive,
  ociFiles,
  randomImage,
  type TestImage,
  tarOf,
} from '../helpers/generate.js'
import { attempt, has, isRoot, lading, ladingProgram, run } from '../helpers/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'store-'))
test.after.always(() => {
  attempt('umount', [join(folder, 'small')])
  rmSync(folder, { recursive: true, force: true })
})
let counter = 0
const fresh = (): string => join(folder, `store-${counter++}`)
const archive = async (name: string, image: TestImage, names: readonly string[] = []): Promise<string> => {
  const path = join(folder, `${counter++}-${name}.tar`)
  writeFileSync(path, await ociArchive([{ item: image, names }]))
  return path
}

/** Every file of a store with a hash of what is in it; locks are no content. */
const contentsOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter(name => statSync(join(directory, name)).isFile() && name !== 'lock')
      .sort()
      .map(name => [
        name,
        createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex'),
      ]),
  )
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    error => (error instanceof LadingError ? error.code : `DEFECT ${error.stack}`),
  )
const clean = async (t: { deepEqual(a: unknown, b: unknown): void }, store: Store): Promise<void> =>
  t.deepEqual(await store.check(), [])

test('openStore: a new store is an OCI layout that only its owner can enter', async t => {
  const directory = fresh()
  t.is(await codeOf(openStore(directory)), 'NOT_FOUND')
  const store = await openStore(directory, { create: true })
  t.is(statSync(directory).mode & 0o777, 0o700)
  t.deepEqual(JSON.parse(readFileSync(join(directory, 'oci-layout'), 'utf8')), {
    imageLayoutVersion: '1.0.0',
  })
  t.deepEqual(await store.roots(), [])
  await clean(t, store)
})

test('defaultStoreDirectory: LADING_STORE, then by who asks', t => {
  t.is(defaultStoreDirectory({ LADING_STORE: '/x' }, 0), '/x')
  t.is(defaultStoreDirectory({}, 0), '/var/lib/lading')
  t.is(defaultStoreDirectory({ XDG_DATA_HOME: '/data' }, 7), '/data/lading')
})

test('load: blobs as they came, names moved, the old image stays without its name, twice is once', async t => {
  const directory = fresh()
  const store = await openStore(directory, { create: true })
  const [first, second] = [await randomImage(1, { encoding: 'gzip' }), await randomImage(2)]
  await load({ input: await archive('a', first, ['docker.io/library/app:1']), store })
  const { moved } = await load({
    input: await archive('b', second, ['docker.io/library/app:1', 'example.com/x/y:2']),
    store,
  })
  t.deepEqual(
    moved.map(({ from, to }) => [from, to]),
    [[first.digest, second.digest]],
  )
  for (const layer of first.layers)
    t.true(readFileSync(join(directory, 'blobs/sha256', layer.digest.slice(7))).equals(layer.stored))
  t.deepEqual((await store.roots()).map(({ names }) => names.length).sort(), [0, 2])
  const before = contentsOf(directory)
  await load({ input: await archive('b', second, ['docker.io/library/app:1']), store })
  t.deepEqual(contentsOf(directory), before)
  await clean(t, store)
})

const skopeo = has('skopeo')
;(skopeo ? test : test.skip)(
  `the store: skopeo reads it as it is${skopeo ? '' : ' [skipped: skopeo is not installed]'}`,
  async t => {
    const directory = fresh()
    const store = await openStore(directory, { create: true })
    const image = await randomImage(3)
    await load({ input: await archive('a', image, ['docker.io/library/app:1', 'example.com/x/y:2']), store })
    for (const name of ['app:1', 'example.com/x/y:2'])
      t.deepEqual(
        JSON.parse(run('skopeo', ['inspect', `oci:${directory}:${name}`])).Layers,
        image.layers.map(layer => layer.digest),
        name,
      )
  },
)

/** Archives that are damaged, and how the error must say it. */
const damages: readonly (readonly [
  title: string,
  make: (image: TestImage) => Promise<Buffer>,
  code: string,
  message: RegExp,
])[] = [
  [
    'truncated',
    async image => (await dockerArchive([{ item: image, names: ['app:1'] }], 'middle')).subarray(0, -3000),
    'TRUNCATED',
    /ends .*at byte \d+, wanted \d+/,
  ],
  [
    'with a flipped bit in a layer',
    async image => {
      const bytes = await dockerArchive([{ item: image, names: ['app:1'] }], 'middle')
      // Content: two folders and a header come before it.
      bytes[bytes.indexOf(image.layers[1]!.tar) + 4 * 512 + 7]! ^= 1
      return bytes
    },
    'DIGEST_MISMATCH',
    /layer 2 of 3 \(sha256:[0-9a-f]{12}…\).*found (?:DiffID )?sha256:[0-9a-f]{64}, wanted sha256:/,
  ],
  [
    'with a wrong layer count',
    async image =>
      dockerArchive([{ item: { ...image, layers: image.layers.slice(1) }, names: ['app:1'] }], 'middle'),
    'BAD_DOCUMENT',
    /lists 2 layers, rootfs.diff_ids of its config 3/,
  ],
  [
    'with a blob missing',
    async image => {
      const files = ociFiles([{ item: image, names: ['app:1'] }])
      files.delete(`blobs/sha256/${image.layers[2]!.digest.slice(7)}`)
      return tarOf([...files].map(([name, body]) => ({ name, body })))
    },
    'BLOB_MISSING',
    /layer 3 of 3 .*The blob sha256:[0-9a-f]{64} is not in/,
  ],
]
for (const [title, make, code, message] of damages)
  for (const through of ['a file', 'standard input'])
    test(`load: an archive ${title}, from ${through}, is an error that says where, and the store is as before`, async t => {
      const directory = fresh()
      const store = await openStore(directory, { create: true })
      await load({ input: await archive('first', await randomImage(4), ['docker.io/library/app:1']), store })
      const before = contentsOf(directory)
      const bytes = await make(await randomImage(5))
      const path = join(folder, `${counter++}-damaged.tar`)
      writeFileSync(path, bytes)
      async function* stdin() {
        for (let at = 0; at < bytes.length; at += 5000) yield bytes.subarray(at, at + 5000)
      }
      const options = through === 'a file' ? { input: path } : { input: '-', stdin: stdin() }
      const error = await t.throwsAsync(load({ ...options, store }))
      t.is((error as LadingError).code, code as LadingError['code'], error?.message)
      t.regex(error!.message, message)
      t.deepEqual(contentsOf(directory), before)
      await clean(t, store)
    })

test('eight processes load the same image at once: all succeed, each blob is there once', async t => {
  const directory = fresh()
  const path = await archive('same', await randomImage(6, { layerCount: 6 }), ['docker.io/library/app:1'])
  const children = Array.from({ length: 8 }, () =>
    spawn(process.execPath, [ladingProgram, '--store', directory, 'load', '-i', path]),
  )
  const statuses = await Promise.all(
    children.map(child => new Promise(resolve => child.once('close', resolve))),
  )
  t.deepEqual(statuses, Array(8).fill(0))
  const store = await openStore(directory)
  await clean(t, store)
  t.is((await store.sweep()).blobs.length, 0)
  t.is(readdirSync(join(directory, 'blobs/sha256')).length, 8)
})

const kill = async (child: ChildProcess, after: number): Promise<void> => {
  const ended = new Promise(resolve => child.once('close', resolve))
  await sleep(after)
  child.kill('SIGKILL')
  await ended
}

test('a process killed at any moment of a load leaves nothing visible, and the next load succeeds', async t => {
  const directory = fresh()
  const big = layerOf(await tarOf([{ name: 'big', body: Buffer.alloc(60 << 20, 'x') }]))
  const small = layerOf(await tarOf([{ name: 'small', body: 'y' }]))
  const path = await archive('big', await randomImage(7, { layers: [small, big] }), [
    'docker.io/library/app:1',
  ])
  const store = await openStore(directory, { create: true })
  for (const after of [60, 90, 120, 150, 180, 210, 250, 300, 350, 400]) {
    await kill(spawn(process.execPath, [ladingProgram, '--store', directory, 'load', '-i', path]), after)
    const problems = (await store.check()).filter(({ where }) => !where.includes('/tmp/'))
    t.deepEqual(problems, [], `after ${after} ms`)
    if ((await store.roots()).length > 0)
      await store.remove((await store.roots()).map(({ descriptor }) => descriptor.digest))
  }
  await store.sweep()
  t.deepEqual(readdirSync(join(directory, 'blobs/sha256')), [])
  t.deepEqual(
    [
      ...readdirSync(join(directory, 'tmp')),
      ...readdirSync(join(directory, 'leases')),
      ...readdirSync(join(directory, 'toc/sha256')),
    ],
    [],
  )
  await load({ input: path, store })
  await clean(t, store)
})

test('sweep: what a living session has pinned stays, what it gives up goes', async t => {
  const directory = fresh()
  const store = await openStore(directory, { create: true })
  const image = await randomImage(8)
  const session = await store.session()
  const { measured } = await session.stage(
    (async function* () {
      yield image.layers[0]!.tar
    })(),
    'layer',
  )
  t.is((await store.sweep()).blobs.length, 0)
  await session[Symbol.asyncDispose]()
  t.false(existsSync(join(directory, 'blobs/sha256', measured.digest.slice(7))))
  await clean(t, store)
})

test('after the boot id changed, unsynced blobs are checked: what did not survive is named and gone', async t => {
  const directory = fresh()
  const bootIdFile = join(folder, `boot-${counter++}`)
  writeFileSync(bootIdFile, 'first-boot\n')
  const store = await openStore(directory, { create: true, bootIdFile })
  const [kept, lost] = [await randomImage(9), await randomImage(10)]
  await load({ input: await archive('kept', kept, ['docker.io/library/kept:1']), store })
  await load({ input: await archive('lost', lost, ['docker.io/library/lost:1']), store })
  t.true(readFileSync(join(directory, 'unsynced'), 'utf8').includes(lost.layers[0]!.digest))
  const victim = join(directory, 'blobs/sha256', lost.layers[0]!.digest.slice(7))
  chmodSync(victim, 0o644)
  writeFileSync(victim, Buffer.alloc(lost.layers[0]!.tar.length))

  t.deepEqual((await openStore(directory, { bootIdFile })).lost.blobs, [], 'the same boot: nothing is read')
  writeFileSync(bootIdFile, 'second-boot\n')
  const after = await openStore(directory, { bootIdFile })
  t.deepEqual(after.lost.blobs, [lost.layers[0]!.digest])
  t.deepEqual(
    after.lost.roots.map(({ descriptor }) => descriptor.digest),
    [lost.digest],
  )
  t.deepEqual(
    (await after.roots()).map(({ descriptor }) => descriptor.digest),
    [kept.digest],
  )
  t.deepEqual((await openStore(directory, { bootIdFile })).lost.blobs, [], 'checked once')
  await after.sweep()
  await clean(t, after)
  await load({ input: await archive('lost', lost, ['docker.io/library/lost:1']), store: after })
  await clean(t, after)
})

test('session: with sync nothing is left to be checked', async t => {
  const directory = fresh()
  const store = await openStore(directory, { create: true })
  await using session = await store.session({ sync: true })
  await session.stage(
    (async function* () {
      yield Buffer.from('x')
    })(),
    'blob',
  )
  t.false(existsSync(join(directory, 'unsynced')))
})

test('check: finds any flipped bit, and repair takes it out of sight', async t => {
  const directory = fresh()
  const store = await openStore(directory, { create: true })
  const image = await randomImage(11, { encoding: 'gzip' })
  await load({ input: await archive('a', image, ['docker.io/library/app:1']), store })
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(name =>
    /^(?:blobs|toc)\/sha256\//.test(name),
  )
  t.true(files.length > 6)
  for (const name of files) {
    const path = join(directory, name)
    const bytes = readFileSync(path)
    const changed = Buffer.from(bytes)
    changed[bytes.length >> 1]! ^= 4
    chmodSync(path, 0o644)
    writeFileSync(path, changed)
    t.not((await store.check()).length, 0, name)
    writeFileSync(path, bytes)
  }
  await clean(t, store)
  writeFileSync(join(directory, 'blobs/sha256/stray'), 'x')
  t.regex((await store.check())[0]!.where, /stray$/)
  rmSync(join(directory, 'blobs/sha256/stray'))
  rmSync(join(directory, 'blobs/sha256', image.layers[0]!.digest.slice(7)))
  t.regex((await store.check({ repair: true }))[0]!.problem, /is missing/)
  t.deepEqual(await store.roots(), [])
  await clean(t, store)
})

test('tag, untag, remove: names and blobs come and go together', async t => {
  const store = await openStore(fresh(), { create: true })
  const image = await randomImage(12)
  await load({ input: await archive('a', image, ['docker.io/library/app:1']), store })
  await store.tag(image.digest, parseReference('app:2'))
  t.is((await store.untag([parseReference('app:1')])).blobs.length, 0)
  t.is((await store.untag([parseReference('app:2')])).blobs.length, 5)
  t.deepEqual(await store.roots(), [])
  await clean(t, store)
})

test('load: an index with its attestations stays whole', async t => {
  const store = await openStore(fresh(), { create: true })
  const platforms = ['amd64', 'arm64'].map(architecture => ({ os: 'linux', architecture }))
  const index = indexOf(
    await Promise.all(platforms.map((platform, seed) => randomImage(20 + seed, { platform }))),
    { attested: true },
  )
  const path = join(folder, 'index.tar')
  writeFileSync(path, await ociArchive([{ item: index, names: ['docker.io/library/app:1'] }]))
  const { images } = await load({ input: path, store })
  t.is(images[0]!.digest, index.digest)
  t.is(images[0]!.ids.length, 2)
  await clean(t, store)
  t.is((await store.sweep()).blobs.length, 0)
})

const noSmallDisk = isRoot ? undefined : 'a small file system needs root'
;(noSmallDisk ? test.serial.skip : test.serial)(
  `load: a disk that is full is an error, and the store is as before${noSmallDisk ? ` [skipped: ${noSmallDisk}]` : ''}`,
  async t => {
    const mount = join(folder, 'small')
    mkdirSync(mount)
    run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount])
    const directory = join(mount, 'store')
    const store = await openStore(directory, { create: true })
    const small = await archive('small', await randomImage(13), ['docker.io/library/small:1'])
    await load({ input: small, store })
    const before = contentsOf(directory)
    for (let megabytes = 3; megabytes < 7; megabytes++) {
      const body = Buffer.from(Array.from({ length: megabytes << 20 }, (_, index) => (index * 7919) & 255))
      const big = await archive(
        'big',
        await randomImage(14, { layers: [layerOf(await tarOf([{ name: 'big', body }]))] }),
        ['docker.io/library/big:1'],
      )
      const outcome = lading(['--store', directory, 'load', '-i', big])
      if (outcome.status === 0) run(process.execPath, [ladingProgram, '--store', directory, 'rmi', 'big:1'])
      else t.regex(outcome.stderr, /no space left on the device/)
      t.deepEqual(contentsOf(directory), before, `${megabytes} MiB`)
    }
    await clean(t, store)
  },
)
