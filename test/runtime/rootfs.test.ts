import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { imageContents } from '../../src/image/file-content.js'
import { pickImage } from '../../src/image/pick-image.js'
import { addLayer, mergeTocs } from '../../src/layer/merged-tree.js'
import { type ImageToRun, prepareRootfs, removeRootfs } from '../../src/runtime/rootfs/prepare.js'
import { stubsFor } from '../../src/runtime/rootfs/stubs.js'
import type { RootfsKind } from '../../src/runtime/settings.js'
import { openSource } from '../../src/transports/open.js'
import { parsePlace } from '../../src/transports/place.js'
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

const ownXattrs = (xattrs: unknown) =>
  Object.fromEntries(Object.entries(xattrs as object).filter(([name]) => !/^\w+\.overlay\./.test(name)))
