import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { memorySource } from '../../src/bytes/memory-source.js'
import { imageContents } from '../../src/image/file-content.js'
import { pickImage } from '../../src/image/pick-image.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { addLayer, mergeTocs } from '../../src/layer/merged-tree.js'
import { chooseRootfs } from '../../src/runtime/rootfs/choose.js'
import { buildErofs } from '../../src/runtime/rootfs/erofs/image.js'
import { erofsSteps, prepareErofs } from '../../src/runtime/rootfs/erofs-rootfs.js'
import { releaseLoops } from '../../src/runtime/rootfs/loop-device.js'
import {
  type ImageToRun,
  prepareRootfs,
  removeRootfs,
  reopenRootfs,
} from '../../src/runtime/rootfs/prepare.js'
import { pruneRootfs } from '../../src/runtime/rootfs/prune.js'
import { rootfsFolders } from '../../src/runtime/rootfs/store-folders.js'
import { stubsFor } from '../../src/runtime/rootfs/stubs.js'
import { verifyLayers } from '../../src/runtime/rootfs/verify-layers.js'
import type { RootfsKind } from '../../src/runtime/settings.js'
import { readBootId } from '../../src/store/boot-id.js'
import { openSource } from '../../src/transports/open.js'
import { parsePlace } from '../../src/transports/place.js'
import { dockerAges, dockerArchive, layerOf, ociArchive, randomImage, tarOf } from '../helpers/generate.js'
import { mountedListing, whyNoMounts } from '../helpers/mounted.js'
import { attempt, has } from '../helpers/programs.js'
import { randomTreeLayer } from '../helpers/random-tree.js'
import { listingDifferences, tidyListing, treeListing } from '../helpers/tree-listing.js'

const folder = mkdtempSync(join(process.cwd(), 'dist/rootfs-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let counter = 0
const freshFolder = (): string => {
  const path = join(folder, String(counter++))
  mkdirSync(path, { mode: 0o700 })
  return path
}
const mounting = whyNoMounts === undefined ? test.serial : test.serial.skip
const reason = whyNoMounts === undefined ? '' : ` [skipped: ${whyNoMounts}]`

const openImage = async (path: string): Promise<ImageToRun> => {
  const source = await openSource(parsePlace(path))
  try {
    return { source, ...(await pickImage(source)) }
  } catch (error) {
    await source[Symbol.asyncDispose]()
    throw error
  }
}

const expectedListing = async ({ source, image }: ImageToRun) => {
  const tree = mergeTocs(await Promise.all(image.layers.map(layer => layer.toc())))
  addLayer(tree, stubsFor(tree))
  return tidyListing(await treeListing(tree, imageContents(source, image)))
}

for (const age of dockerAges)
  mounting(
    `prepareRootfs: every kind shows the tree of an archive of docker's (${age})${reason}`,
    async t => {
      const path = join(freshFolder(), 'image.tar')
      const item = await randomImage(7, { layerCount: 4, encoding: age === 'containerd' ? 'gzip' : 'none' })
      writeFileSync(path, await dockerArchive([{ item, names: ['docker.io/library/a:1'] }], age))
      const image = await openImage(path)
      await using _source = image.source
      const wanted = await expectedListing(image)
      const storeDirectory = freshFolder()
      for (const kind of ['erofs', 'overlay', 'copy'] satisfies RootfsKind[]) {
        const place = { folder: freshFolder(), rootless: false }
        const rootfs = await prepareRootfs({ image, place, storeDirectory, kind })
        t.deepEqual(listingDifferences(mountedListing(rootfs), wanted), [], kind)
        await removeRootfs(place)
      }
    },
  )

const archiveOf = async (tars: readonly Buffer[]): Promise<string> => {
  const item = await randomImage(1, { layers: tars.map(tar => layerOf(tar)) })
  const path = join(freshFolder(), 'image.tar')
  writeFileSync(path, await ociArchive([{ item }]))
  return path
}

const randomTars = (seed: number, wild: boolean): Buffer[] => {
  const paths = new Map()
  return Array.from({ length: 1 + (seed % 4) }, (_, level) => randomTreeLayer({ seed, level, wild }, paths))
}

const kinds = (seed: number): readonly RootfsKind[] =>
  seed % 3 === 0 ? ['erofs', 'overlay', 'copy'] : ['erofs']

mounting(`prepareRootfs: random trees of everything look as they should${reason}`, async t => {
  for (let seed = 0; seed < 18; seed++) {
    const image = await openImage(await archiveOf(randomTars(seed, kinds(seed).length === 1)))
    await using _source = image.source
    const wanted = await expectedListing(image)
    for (const kind of kinds(seed)) {
      const place = { folder: freshFolder(), rootless: false }
      const rootfs = await prepareRootfs({ image, place, storeDirectory: folder, kind })
      const found = mountedListing(rootfs)
      // A copy has what overlayfs would not show.
      if (kind === 'copy') for (const entry of Object.values(found)) entry.xattrs = ownXattrs(entry.xattrs)
      t.deepEqual(listingDifferences(found, wanted), [], `seed ${seed}, ${kind}`)
      await removeRootfs(place)
    }
  }
})

mounting(
  `erofsSteps: loop devices serve where files cannot be mounted, and are gone afterwards${reason}`,
  async t => {
    const image = await openImage(await archiveOf(randomTars(3, false)))
    await using _source = image.source
    const path = freshFolder()
    const record = await prepareErofs(path, image, rootfsFolders(folder), 'loop')
    const steps = await erofsSteps(path, record, { rootless: false, throwAway: false })
    t.deepEqual(listingDifferences(mountedListing({ steps }), await expectedListing(image)), [])
    const [, mount] = steps('/target')
    t.regex(String(mount?.kind === 'call' && mount.args[0]), /^\/dev\/loop\d+$/)
    const backing = () => attempt('losetup', ['--list', '--noheadings', '--output', 'BACK-FILE']).stdout
    t.true(backing().includes(path), 'it waits for the mount')
    releaseLoops(path)
    for (let tries = 0; tries < 50 && backing().includes(path); tries++) await sleep(20)
    t.false(backing().includes(path))
  },
)

mounting(
  `prepareRootfs: a kept list of files is used again, and made again when it is damaged${reason}`,
  async t => {
    const image = await openImage(await archiveOf(randomTars(3, false)))
    await using _source = image.source
    const storeDirectory = freshFolder()
    const place = { folder: freshFolder(), rootless: false }
    const wanted = await expectedListing(image)
    const images = rootfsFolders(storeDirectory).images
    const kept = () => join(images, readdirSync(images)[0]!)
    const prepare = () => prepareRootfs({ image, place, storeDirectory, kind: 'erofs' })
    await prepare()
    const first = statSync(kept())
    await removeRootfs(place)
    await prepare()
    t.is(statSync(kept()).ino, first.ino)
    await removeRootfs(place)
    const whole = readFileSync(kept())
    const bytes = Buffer.from(whole)
    bytes[5000] = bytes[5000]! ^ 1
    writeFileSync(kept(), bytes)
    t.deepEqual(listingDifferences(mountedListing(await prepare()), wanted), [])
    t.deepEqual(readFileSync(kept()), whole)
    t.deepEqual(listingDifferences(mountedListing(await reopenRootfs(place)), wanted), [])

    // As a power cut may leave it: with its time, but not with all that was written.
    await removeRootfs(place)
    const boot = readBootId()
    writeFileSync(
      kept(),
      Buffer.from(bytes.toString('latin1').replace(boot, boot.replaceAll(/./g, '0')), 'latin1'),
    )
    utimesSync(kept(), first.mtimeMs / 1000, first.mtimeMs / 1000)
    t.deepEqual(listingDifferences(mountedListing(await prepare()), wanted), [])
    t.deepEqual(readFileSync(kept()), whole)
  },
)

mounting(
  `reopenRootfs: a container goes on without its archive's name, and not with another's bytes${reason}`,
  async t => {
    const path = await archiveOf(randomTars(3, false))
    const image = await openImage(path)
    await using _source = image.source
    const place = { folder: freshFolder(), rootless: false }
    mountedListing(
      await prepareRootfs({ image, place, storeDirectory: folder, kind: 'erofs' }),
      'echo mine >mine',
    )
    const second = join(place.folder, 'd/0')
    rmSync(path)
    t.true('mine' in mountedListing(await reopenRootfs(place)))
    writeFileSync(second, 'something else')
    await t.throwsAsync(reopenRootfs(place), {
      code: 'UNSUPPORTED',
      message: /has changed since the container was created/,
    })
    await removeRootfs(place)
    t.deepEqual(readdirSync(place.folder), [])
    await t.throwsAsync(reopenRootfs(place), { code: 'NOT_FOUND' })
  },
)

mounting(`prepareRootfs: 120 layers are stacked, 500 are refused${reason}`, async t => {
  const tars = (count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, level) =>
        tarOf([
          { name: `file${level}`, body: String(level) },
          { name: 'all', body: String(level) },
        ]),
      ),
    )
  const storeDirectory = join(freshFolder(), 'a'.repeat(120))
  for (const kind of ['erofs', 'overlay'] as const) {
    const image = await openImage(await archiveOf(await tars(120)))
    await using _source = image.source
    const place = { folder: freshFolder(), rootless: false }
    const rootfs = await prepareRootfs({ image, place, storeDirectory, kind, throwAway: true })
    t.deepEqual(listingDifferences(mountedListing(rootfs), await expectedListing(image)), [], kind)
    await removeRootfs(place)
  }
  const image = await openImage(await archiveOf(await tars(500)))
  await using _source = image.source
  const place = { folder: freshFolder(), rootless: false }
  await t.throwsAsync(prepareRootfs({ image, place, storeDirectory, kind: 'overlay' }), {
    code: 'LIMIT_EXCEEDED',
  })
  t.deepEqual(readdirSync(place.folder), [])
})

mounting(`pruneRootfs: what an image or a container needs stays, the rest goes${reason}`, async t => {
  const storeDirectory = freshFolder()
  const tars = randomTars(2, false)
  const item = await randomImage(1, { layers: tars.map(tar => layerOf(tar, 'gzip')) })
  const path = join(freshFolder(), 'image.tar')
  writeFileSync(path, await ociArchive([{ item }]))
  const image = await openImage(path)
  await using _source = image.source
  const places = [freshFolder(), freshFolder()].map(folder => ({ folder, rootless: false }))
  for (const [index, kind] of (['erofs', 'overlay'] as const).entries())
    await prepareRootfs({ image, place: places[index]!, storeDirectory, kind })
  const containers = () => places.map(({ folder }) => folder)
  const images = [image.image.config.diffIds]
  t.deepEqual(await pruneRootfs({ storeDirectory, images, containers }), [])
  const gone = await pruneRootfs({ storeDirectory, images: [], containers })
  t.is(gone.length, tars.length, 'inflated layers, which the container has by names of its own')
  t.true(gone.every(path => path.includes('/inflated/')))
  const wanted = await expectedListing(image)
  for (const place of places)
    t.deepEqual(listingDifferences(mountedListing(await reopenRootfs(place)), wanted), [])
  for (const place of places) await removeRootfs(place)
  t.is((await pruneRootfs({ storeDirectory, images: [], containers: () => [] })).length, 1 + tars.length + 1)
  for (const name of ['images', 'inflated', 'unpacked', 'tmp'])
    t.deepEqual(readdirSync(join(storeDirectory, 'rootfs', name)), [], name)
})

mounting(`verifyLayers: an archive is checked beside the container${reason}`, async t => {
  const path = await archiveOf(randomTars(5, false))
  const image = await openImage(path)
  await using _source = image.source
  await t.notThrowsAsync(verifyLayers(image))
  const region = await image.source.regionOf!(image.image.layers[0]!.descriptor.digest)
  const bytes = readFileSync(path)
  const at =
    region!.offset + (await image.image.layers[0]!.toc()).columns.dataOffset.find(offset => offset > 600)!
  bytes[at] = bytes[at]! ^ 1
  writeFileSync(path, bytes)
  await t.throwsAsync(verifyLayers(image), { code: 'DIGEST_MISMATCH' })
})

/** Whether this fsck.erofs knows blocks of 512 bytes: 1.6 and later do. */
const fsckReason = ((): string => {
  if (!has('fsck.erofs')) return ' [skipped: no fsck.erofs]'
  const [, major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(attempt('fsck.erofs', ['-V']).stdout) ?? []).map(
    Number,
  )
  return major > 1 || minor >= 6 ? reason : ' [skipped: fsck.erofs before 1.6 has only blocks of 4096 bytes]'
})()

;(fsckReason === '' ? test.serial : test.serial.skip)(
  `buildErofs: fsck.erofs finds nothing wrong${fsckReason}`,
  async t => {
    for (let seed = 0; seed < 6; seed++) {
      const image = await openImage(await archiveOf(randomTars(seed, true)))
      await using _source = image.source
      const path = freshFolder()
      const { devices } = await prepareErofs(path, image, rootfsFolders(folder), 'file')
      const options = devices.map((_, index) => `--device=${join(path, `d/${index}`)}`)
      const { status, stdout, stderr } = attempt('fsck.erofs', ['--extract', ...options, join(path, 'image')])
      t.is(status, 0, `seed ${seed}: ${stdout}${stderr}`)
    }
  },
)

test('buildErofs: a name or a depth that no file system takes is refused', async t => {
  const build = async (entries: Parameters<typeof tarOf>[0]) => {
    const toc = await indexLayer(memorySource(await tarOf(entries)))
    return buildErofs({ tree: mergeTocs([toc]), tocs: [toc], layers: [undefined], devices: [] })
  }
  const link = (linkname: string) => [{ name: 'l', type: 'symlink' as const, linkname }, { name: 'l/file' }]
  await t.throwsAsync(build(link('n'.repeat(256))), {
    code: 'LIMIT_EXCEEDED',
    message: /^No file can be called "nnn/,
  })
  await t.throwsAsync(build(link('d/'.repeat(1100))), {
    code: 'LIMIT_EXCEEDED',
    message: /deep in one another/,
  })
  await t.notThrowsAsync(build(link('n'.repeat(255))))
})

test('chooseRootfs: the best that works, and why', t => {
  t.like(chooseRootfs({}), {
    kind: 'erofs',
    source: 'file',
    why: 'the kernel reads the layers where they lie, from files',
  })
  t.like(chooseRootfs({ erofsFile: 'ENOTBLK' }), { kind: 'erofs', source: 'loop' })
  t.like(chooseRootfs({ erofsFile: 'ENODEV', erofsLoop: 'ENODEV' }), {
    kind: 'overlay',
    why: 'layers are unpacked: EROFS does not work here (ENODEV)',
  })
  t.like(chooseRootfs({ overlay: 'EINVAL' }), {
    kind: 'copy',
    why: 'the image is copied: overlayfs does not work here (EINVAL)',
  })
  t.is(chooseRootfs({}, 'copy').kind, 'copy')
  t.throws(() => chooseRootfs({ overlay: 'EINVAL' }, 'erofs'), {
    code: 'UNSUPPORTED',
    message: /overlayfs does not work here/,
  })
})

const ownXattrs = (xattrs: unknown) =>
  Object.fromEntries(Object.entries(xattrs as object).filter(([name]) => !/^\w+\.overlay\./.test(name)))
