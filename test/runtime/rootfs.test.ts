import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { imageContents } from '../../src/image/file-content.js'
import { pickImage } from '../../src/image/pick-image.js'
import { addLayer, mergeTocs } from '../../src/layer/merged-tree.js'
import { type ImageToRun, prepareRootfs, removeRootfs } from '../../src/runtime/rootfs/prepare.js'
import { stubsFor } from '../../src/runtime/rootfs/stubs.js'
import type { RootfsKind } from '../../src/runtime/settings.js'
import { LadingError } from '../../src/spec/errors.js'
import { openSource } from '../../src/transports/open.js'
import { parsePlace } from '../../src/transports/place.js'
import type { DiskListing } from '../helpers/disk-listing.js'
import { dockerAges, dockerArchive, layerOf, ociArchive, randomImage } from '../helpers/generate.js'
import { mountedListing, whyNoMounts } from '../helpers/mounted.js'
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
  return { source, ...(await pickImage(source)) }
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

const corpus = process.env.LADING_CORPUS
const corpusReason = reason || (corpus ? '' : ' [skipped: LADING_CORPUS is not set]')

;(corpusReason === '' ? test.serial : test.serial.skip)(
  `prepareRootfs: every image of the corpus looks the same by erofs and by overlay${corpusReason}`,
  async t => {
    t.timeout(20 * 60_000)
    const items = readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.split('\t'))
      .filter(([, , kind = '']) => /archive|layout/.test(kind))
    const counts = { same: 0, refused: 0 }
    const storeDirectory = freshFolder()
    for (const [path] of items) {
      let image: ImageToRun
      try {
        image = await openImage(join(corpus!, path!))
      } catch (error) {
        t.true(error instanceof LadingError, `${path}: ${error}`)
        counts.refused++
        continue
      }
      await using _source = image.source
      const listings: DiskListing[] = []
      const refusals: string[] = []
      for (const kind of ['erofs', 'overlay'] as const) {
        const place = { folder: freshFolder(), rootless: false }
        try {
          listings.push(mountedListing(await prepareRootfs({ image, place, storeDirectory, kind })))
        } catch (error) {
          if (!(error instanceof LadingError)) throw new Error(`${path}, ${kind}: ${error}`)
          refusals.push(`${kind}: ${error.message}`)
        }
        await removeRootfs(place)
      }
      // Of an archive what is damaged in a layer is found only by reading it whole.
      if (refusals.length > 0) {
        t.true(
          refusals.some(text => text.startsWith('overlay')),
          `${path}: ${refusals}`,
        )
        counts.refused++
        continue
      }
      t.deepEqual(listingDifferences(listings[0]!, listings[1]!), [], path)
      counts.same++
    }
    t.log(
      `${counts.same} images look the same, ${counts.refused} of ${items.length} places have none to mount`,
    )
    t.true(counts.same > 50)
  },
)

const ownXattrs = (xattrs: unknown) =>
  Object.fromEntries(Object.entries(xattrs as object).filter(([name]) => !/^\w+\.overlay\./.test(name)))
