import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadTree } from '../../src/image/view.js'
import type { AnySource } from '../../src/image/wrapped-source.js'
import { type ImageToRun, prepareRootfs, removeRootfs } from '../../src/runtime/rootfs/prepare.js'
import type { Rootfs } from '../../src/runtime/rootfs/rootfs.js'
import { verifyLayers } from '../../src/runtime/rootfs/verify-layers.js'
import type { RootfsKind } from '../../src/runtime/settings.js'
import { LadingError } from '../../src/spec/errors.js'
import { openSource } from '../../src/transports/open.js'
import { parsePlace } from '../../src/transports/place.js'
import { type DiskListing, listingScript } from '../helpers/disk-listing.js'
import { memoryFolder } from '../helpers/memory-folder.js'
import { inMounted, whyNoMounts } from '../helpers/mounted.js'
import { has } from '../helpers/programs.js'
import { listingDifferences, tidyListing } from '../helpers/tree-listing.js'

// Every image of the corpus that can be opened, mounted in every way: type, mode, owner, time, size by the content, digest of
// the content, target, attributes, names of one file and device numbers of each entry are compared.
const corpus = process.env.LADING_CORPUS
const reason =
  whyNoMounts ??
  (has('python3') ? (corpus ? undefined : 'LADING_CORPUS is not set') : 'python3 is not installed')
const folder = mkdtempSync(join(memoryFolder(), 'rootfs-corpus-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const kinds: readonly RootfsKind[] = ['erofs', 'overlay', 'copy']
interface Prepared {
  readonly path: string
  readonly kind: RootfsKind
  readonly rootfs: Rootfs
}

;(reason === undefined ? test.serial : test.serial.skip)(
  `prepareRootfs: every image of the corpus looks the same by erofs, overlay and copy${reason === undefined ? '' : ` [skipped: ${reason}]`}`,
  async t => {
    t.timeout(10 * 60_000)
    const places = readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.split('\t'))
      .filter(([, , kind = '']) => /archive|layout/.test(kind))
      .map(([path]) => join(corpus!, path!))
    const counts = new Map<string, number>()
    const count = (key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
    const compare = (batch: readonly (readonly Prepared[])[]): void => {
      const listings = listAll(batch.flat())
      for (const [index, [{ path }]] of (batch as [Prepared][]).entries()) {
        const [erofs, ...others] = listings.slice(kinds.length * index, kinds.length * (index + 1)) as [
          DiskListing,
        ]
        for (const [at, other] of (others as DiskListing[]).entries())
          t.deepEqual(listingDifferences(other, erofs), [], `${path}: ${kinds[at + 1]}`)
        count('the same')
      }
      counts.set(
        'entries',
        (counts.get('entries') ?? 0) +
          listings.reduce((sum, listing) => sum + Object.keys(listing).length, 0),
      )
    }
    let batch: Prepared[][] = []
    let number = 0
    for await (const { path, image } of imagesOf(places)) {
      // What does not have the bytes that it says is not seen to by EROFS, and may be in the store whole by overlay.
      const damage = await verifyLayers(image).catch(error => error)
      if (damage instanceof LadingError) {
        count(damage.code)
        continue
      }
      const prepared: Prepared[] = []
      const refusals: string[] = []
      for (const kind of kinds) {
        const place = { folder: join(folder, String(number++)), rootless: false }
        mkdirSync(place.folder)
        try {
          prepared.push({
            path,
            kind,
            rootfs: await prepareRootfs({ image, place, storeDirectory: folder, kind }),
          })
        } catch (error) {
          if (!(error instanceof LadingError)) throw new Error(`${path}, ${kind}: ${error}`)
          refusals.push(`${kind}: ${error.message}`)
        }
      }
      if (refusals.length > 0) {
        t.is(refusals.length, kinds.length, `${path}: ${refusals}`)
        count(refusals[0]!.replace(/(?:[0-9a-f]{12,}|".*?").*/, '…').slice(0, 100))
      } else batch.push(prepared)
      if (batch.length < 16) continue
      compare(batch)
      batch = []
    }
    compare(batch)
    for (let each = 0; each < number; each++)
      await removeRootfs({ folder: join(folder, String(each)), rootless: false })
    t.log(Object.fromEntries(counts))
    t.true(counts.get('the same')! > 50)
  },
)

/** Mounted beside each other in one mount namespace, listed by one Python. */
const listAll = (all: readonly Prepared[]): readonly DiskListing[] => {
  const output = inMounted(
    target =>
      all.flatMap(({ rootfs }, index) => {
        mkdirSync(join(target, String(index)))
        return rootfs.steps(join(target, String(index)))
      }),
    [
      'python3',
      '-c',
      `import sys\nscript,count,target=sys.argv[1:]\nfor n in range(int(count)):\n    sys.argv=['',f'{target}/{n}']\n    exec(script,{})`,
      listingScript,
      String(all.length),
    ],
  )
  return output
    .trimEnd()
    .split('\n')
    .map((line, index) => {
      const listing: DiskListing = JSON.parse(line)
      // A copy has what overlayfs would not show.
      if (all[index]!.kind === 'copy')
        for (const entry of Object.values(listing)) entry.xattrs = shown(entry.xattrs)
      return tidyListing(listing)
    })
}

const shown = (xattrs: unknown) =>
  Object.fromEntries(Object.entries(xattrs as object).filter(([name]) => !/^\w+\.overlay\./.test(name)))

/** Every image that can be read at all of these places, of all platforms. */
async function* imagesOf(paths: readonly string[]): AsyncGenerator<{ path: string; image: ImageToRun }> {
  for (const path of paths) {
    let source: AnySource
    try {
      source = await openSource(parsePlace(path))
    } catch (error) {
      if (error instanceof LadingError) continue
      throw error
    }
    await using _source = source
    const roots = await source.roots().catch(() => [])
    for (const root of roots) {
      const tree = await loadTree(source, root).catch(() => undefined)
      for (const image of tree?.images ?? []) yield { path, image: { source, tree: tree!, image } }
    }
  }
}
