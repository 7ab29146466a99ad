import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { collect } from '../../src/bytes/collect.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { streamParts } from '../../src/bytes/parts.js'
import { imageContents } from '../../src/image/file-content.js'
import { pickImage } from '../../src/image/pick-image.js'
import { contentsIn } from '../../src/layer/content.js'
import { flatTar } from '../../src/layer/flat-tar.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { addLayer, mergeTocs } from '../../src/layer/merged-tree.js'
import { changesOf } from '../../src/runtime/rootfs/changes.js'
import { openContainerFiles } from '../../src/runtime/rootfs/container-files.js'
import { type ImageToRun, prepareRootfs, removeRootfs } from '../../src/runtime/rootfs/prepare.js'
import type { Rootfs, RootfsPlace } from '../../src/runtime/rootfs/rootfs.js'
import { stubsFor } from '../../src/runtime/rootfs/stubs.js'
import type { RootfsKind } from '../../src/runtime/settings.js'
import { openSource } from '../../src/transports/open.js'
import { parsePlace } from '../../src/transports/place.js'
import { layerOf, ociArchive, randomFrom, randomImage, tarOf } from '../helpers/generate.js'
import { mountedListing, whyNoMounts } from '../helpers/mounted.js'
import { listingDifferences, tidyListing, treeListing } from '../helpers/tree-listing.js'

const folder = mkdtempSync(join(process.cwd(), 'dist/container-files-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
let counter = 0
const freshFolder = (): string => {
  const path = join(folder, String(counter++))
  mkdirSync(path, { mode: 0o700 })
  return path
}
const mounting = whyNoMounts === undefined ? test.serial : test.serial.skip
const reason = whyNoMounts === undefined ? '' : ` [skipped: ${whyNoMounts}]`

/** Folders and files to be changed. */
const base = [
  ...['keep/', 'keep/a', 'keep/b', 'opq/', 'opq/k1', 'opq/k2', 'gone/', 'gone/x', 'tofile/', 'tofile/in'],
  ...[
    'todir',
    'mv/',
    'mv/one',
    'mv/sub/',
    'mv/sub/two',
    'tolink',
    'touched',
    'chmodded',
    'same',
    'etc/',
    'etc/hosts',
  ],
].map(name => ({ name, body: name.endsWith('/') ? '' : `in ${name}`, mtime: 1_600_000_000 }))

const openBase = async (): Promise<ImageToRun> => {
  const lower = await tarOf([...base, { name: 'hard', type: 'link', linkname: 'keep/a' }])
  const upper = await tarOf([{ name: 'top/' }, { name: 'top/file', body: 'top' }])
  const item = await randomImage(1, { layers: [layerOf(lower), layerOf(upper, 'gzip')] })
  const path = join(freshFolder(), 'image.tar')
  writeFileSync(path, await ociArchive([{ item }]))
  const source = await openSource(parsePlace(path))
  return { source, ...(await pickImage(source)) }
}

const script = `
rm -r opq; mkdir opq; echo new >opq/new
rm -r gone
rm -r tofile; echo file >tofile
rm todir; mkdir -p todir/sub; echo x >todir/sub/x
mv mv moved
rm tolink; ln -s /nowhere tolink
touch -d @1700000000.123456789 touched
chmod 4711 chmodded
chown 5:6 keep/b; chown 0:0 keep/b; chmod 0644 keep/b; touch -r same keep/b
ln keep/a again; ln again keep/third
rm hard
mkdir -p fresh/deep; echo deep >fresh/deep/file; chmod 700 fresh
mkfifo fresh/pipe; mknod fresh/null c 1 3
setfattr -n user.note -v yes fresh/deep/file 2>/dev/null || python3 -c "import os; os.setxattr('fresh/deep/file','user.note',b'yes')"
truncate -s 1M fresh/sparse; printf end | dd of=fresh/sparse bs=1 seek=500000 conv=notrunc status=none
echo lost >.wh.odd; ln .wh.odd fresh/heir
python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('fresh/socket')"
rm -r top; mkdir top; rmdir top`

const docker = [
  ...[
    'A again',
    'C chmodded',
    'A fresh',
    'A fresh/deep',
    'A fresh/deep/file',
    'A fresh/heir',
    'A fresh/null',
  ],
  ...['A fresh/pipe', 'A fresh/sparse', 'D gone', 'D hard', 'C keep', 'A keep/third', 'A moved'],
  ...['A moved/one', 'A moved/sub', 'A moved/sub/two', 'D mv', 'C opq', 'D opq/k1', 'D opq/k2', 'A opq/new'],
  ...['C todir', 'A todir/sub', 'A todir/sub/x', 'C tofile', 'C tolink', 'D top', 'C touched'],
]

const words = (changes: ReturnType<typeof changesOf>) => changes.map(({ kind, path }) => `${kind} ${path}`)

/** The image with the layer on top, as whoever applies it sees it. */
const applied = async (
  { source, image }: ImageToRun,
  files: Awaited<ReturnType<typeof openContainerFiles>>,
) => {
  const tar = await collect(streamParts(flatTar(files.layer(), files.contents)), {
    max: 1 << 28,
    what: 'the layer',
  })
  const tocs = await Promise.all(image.layers.map(layer => layer.toc()))
  const tree = mergeTocs(tocs)
  addLayer(tree, stubsFor(tree))
  const bytes = memorySource(tar)
  const toc = await indexLayer(bytes)
  addLayer(tree, toc)
  const top = contentsIn([...tocs.map(() => bytes), bytes, bytes])
  const below = imageContents(source, image)
  const stored = (content: Parameters<typeof top.stored>[0]) =>
    (content.layer > tocs.length ? top : below).stored(content)
  return { toc, listing: tidyListing(await treeListing(tree, { stored })) }
}

/** All but the time of the root, which no layer has, sockets, which no tar has, and names that a layer means otherwise. */
const comparable = (listing: ReturnType<typeof tidyListing>) =>
  tidyListing(
    Object.fromEntries(
      Object.entries(listing)
        .filter(([path, { type }]) => type !== 0o140000 && !/(?:^|\/)\.wh\./.test(path))
        .map(([path, entry]) => [path, path === '.' ? { ...entry, mtime: undefined } : entry]),
    ),
  )

/** Do it, and look at it when it is mounted again: until then overlayfs shows new links to old files as files of their own. */
const afterScript = (rootfs: Rootfs, script: string) => {
  mountedListing(rootfs, script)
  return comparable(mountedListing(rootfs))
}

for (const kind of ['erofs', 'overlay', 'copy'] satisfies RootfsKind[])
  mounting(
    `openContainerFiles: changes are told as docker tells them, and one layer makes them (${kind})${reason}`,
    async t => {
      const image = await openBase()
      await using _source = image.source
      const place: RootfsPlace = { folder: freshFolder(), rootless: false }
      const rootfs = await prepareRootfs({ image, place, storeDirectory: folder, kind })
      const mounted = afterScript(rootfs, script)
      await using files = await openContainerFiles({ place, image })
      t.deepEqual(words(changesOf(files)), docker)
      t.deepEqual(files.sockets, ['fresh/socket'])
      t.deepEqual(files.unsayable, ['.wh.odd'])
      const seen = comparable(tidyListing(await treeListing(files.after, files.contents)))
      t.deepEqual(listingDifferences(seen, mounted), [], 'seen without mounting')
      const { toc, listing } = await applied(image, files)
      t.deepEqual(listingDifferences(comparable(listing), mounted), [], 'made by the layer')
      const names = Array.from(toc, ({ path }) => path.toString())
      t.true(names.includes('.wh.gone') && names.includes('.wh.mv') && !names.includes('./'))
      if (kind !== 'copy') t.true(names.includes('opq/.wh..wh..opq') && !names.includes('opq/.wh.k1'))
      if (kind !== 'copy')
        t.false(
          names.some(name => /^(?:fresh|moved|todir)\/.*\.wh\./.test(name)),
          'no marker where nothing is hidden',
        )
      await removeRootfs(place)
    },
  )

mounting(`openContainerFiles: nothing has changed where nothing was done${reason}`, async t => {
  const image = await openBase()
  await using _source = image.source
  for (const kind of ['erofs', 'overlay', 'copy'] as const) {
    const place = { folder: freshFolder(), rootless: false }
    mountedListing(await prepareRootfs({ image, place, storeDirectory: folder, kind }), 'cat keep/a')
    await using files = await openContainerFiles({ place, image })
    t.deepEqual(words(changesOf(files)), [], kind)
    t.deepEqual(files.layer(), [], kind)
    await removeRootfs(place)
  }
})

/** Python that does random things to the folder that it is in. */
const randomDeeds = (seed: number): string => {
  const random = randomFrom(seed)
  const numbers = Array.from({ length: 400 }, () => Math.floor(random() * 1e6))
  return `python3 - <<'END'
import os,shutil
numbers=${JSON.stringify(numbers)}
def number(limit): return numbers.pop()%limit
def all():
    found=[]
    for d,ds,fs in os.walk('.'):
        for n in ds+fs:
            p=os.path.relpath(os.path.join(d,n),'.')
            if not p.startswith(('etc','dev','proc','sys')): found.append(p)
    return sorted(found)
def fresh():
    dirs=['.']+[p for p in all() if os.path.isdir(p) and not os.path.islink(p)]
    return os.path.join(dirs[number(len(dirs))],'n%d'%number(12))
while len(numbers)>8:
    paths=all(); p=paths[number(len(paths))] if paths else 'none'; what=number(9)
    isdir=os.path.isdir(p) and not os.path.islink(p)
    try:
        if what==0: shutil.rmtree(p) if isdir else os.remove(p)
        elif what==1: os.makedirs(fresh())
        elif what==2: open(fresh(),'w').write('x'*number(5000))
        elif what==3: os.rename(p,fresh()) if not isdir else shutil.move(p,fresh())
        elif what==4: os.link(p,fresh(),follow_symlinks=False)
        elif what==5: os.symlink('t%d'%number(9),fresh())
        elif what==6: os.chmod(p,[0o700,0o4755,0o640][number(3)]) if not os.path.islink(p) else None
        elif what==7: os.setxattr(p,['user.a','trusted.b'][number(2)],b'v%d'%number(99),follow_symlinks=False)
        elif what==8 and isdir: shutil.rmtree(p); os.mkdir(p); open(p+'/again','w').write('again')
    except (OSError,shutil.Error): pass
END`
}

mounting(`openContainerFiles: random deeds are seen, and made again by the layer${reason}`, async t => {
  const image = await openBase()
  await using _source = image.source
  for (let seed = 0; seed < 10; seed++)
    for (const kind of [
      (['erofs', 'overlay'] as const)[seed % 2]!,
      ...(seed % 3 === 0 ? (['copy'] as const) : []),
    ]) {
      const place = { folder: freshFolder(), rootless: false }
      const rootfs = await prepareRootfs({ image, place, storeDirectory: folder, kind })
      const mounted = afterScript(rootfs, randomDeeds(seed))
      await using files = await openContainerFiles({ place, image })
      const seen = comparable(tidyListing(await treeListing(files.after, files.contents)))
      t.deepEqual(listingDifferences(seen, mounted), [], `seed ${seed}, ${kind}: seen`)
      const { listing } = await applied(image, files)
      t.deepEqual(listingDifferences(comparable(listing), mounted), [], `seed ${seed}, ${kind}: made`)
      await removeRootfs(place)
    }
})
