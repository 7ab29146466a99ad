import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { decompress } from '../../src/bytes/decompress.js'
import { openFile } from '../../src/bytes/file-source.js'
import { createHasher } from '../../src/bytes/hasher.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { openSpoolFile, type SpoolFile } from '../../src/bytes/spool-file.js'
import { type Contents, contentsIn, wholeContent } from '../../src/layer/content.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { type MergedTree, mergeTocs, treeOf } from '../../src/layer/merged-tree.js'
import type { Toc } from '../../src/layer/toc.js'

// Other projects' own images of whiteouts and hard links, against their own golden results or, where they have
// none, against what their names and the specification say.
const corpus = process.env.LADING_CORPUS
const when = corpus ? test : test.skip
const why = corpus ? '' : ' [skipped: LADING_CORPUS is not set]'

/** The layers of a layout's first image, read past what its documents say of sizes: some are wrong on purpose. */
const layersOf = async (layout: string, spool: SpoolFile) => {
  const blob = (digest: string) => join(layout, 'blobs/sha256', digest.slice(7))
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
  const top = read(blob(read(join(layout, 'index.json')).manifests[0].digest))
  const manifest = top.manifests ? read(blob(top.manifests[0].digest)) : top
  const [tocs, sources] = [[] as Toc[], [] as ReturnType<SpoolFile['cut']>[]]
  for (const { digest } of manifest.layers as { digest: string }[]) {
    await using file = await openFile(blob(digest))
    const source = await spool.append((await decompress(file.stream(), { what: layout })).stream)
    tocs.push(await indexLayer(source))
    sources.push(source)
  }
  return { tocs, sources }
}

/** Everything that a flat tar says, names of one inode by their first. */
const describe = async (tree: MergedTree, contents: Contents) => {
  const first = new Map<unknown, string>()
  const lines: unknown[] = []
  for (const node of tree.walk()) {
    const entry = tree.entry(node)
    const path = tree.pathOf(node)
    const { type, layer } = node.inode
    if (type !== 'directory' && !first.has(node.inode)) first.set(node.inode, path)
    const hasher = createHasher()
    if (entry && type === 'file')
      for await (const chunk of wholeContent(contents, { layer, entry })) hasher.update(chunk)
    const { mode = 0o755, uid = 0, gid = 0, mtime, linkPath, xattrs = [] } = entry ?? {}
    lines.push([
      ...[path, type, mode, uid, gid, mtime?.seconds ?? 0, first.get(node.inode)],
      ...[type === 'symlink' ? linkPath?.toString() : '', hasher.digest()],
      xattrs.map(({ name, value }) => `${name}=${value.toString('hex')}`),
    ])
  }
  return lines
}

const kebab = (name: string) => name.replace(/(?<=[a-z])(?=[A-Z0-9])/g, '-').toLowerCase()

/**
 * Where the golden result is not what the specification says. HardLinkDelete4: `baz` is a link to `bar`, a name of
 * `foo`'s file, and `bar` is deleted: `baz` stays a name of that file. The golden layer has it as a link to `bar`,
 * which is not in it, so nothing can unpack that layer.
 */
const disagreements: Readonly<Record<string, readonly string[]>> = {
  HardLinkDelete4: ['a', 'a/b', 'a/b/baz', 'a/b/foo'],
}

when(`mergeTocs: the images of oci-tools make its golden layers${why}`, async t => {
  const base = join(corpus!, 'sylabs+oci-tools')
  const results = join(base, 'pkg/mutate/testdata/TestSquash')
  let compared = 0
  for (const name of readdirSync(results)) {
    // The first two of three layers.
    const [image, count] = name === 'LayerSelector' ? ['hard-link-delete-4', 2] : [kebab(name), 99]
    const layout = [image, 'hello-world-docker-v2-manifest']
      .map(name => join(base, 'test/images', name!))
      .find(path => existsSync(path))!
    await using spool = await openSpoolFile()
    const { tocs, sources } = await layersOf(layout, spool)
    const golden = memorySource(readFileSync(join(results, name, 'layer.golden')))
    const merged = mergeTocs(tocs.slice(0, count))
    compared++
    if (name in disagreements) {
      t.deepEqual(
        Array.from(merged.walk(), node => merged.pathOf(node)),
        disagreements[name],
        name,
      )
      continue
    }
    t.deepEqual(
      await describe(merged, contentsIn(sources)),
      await describe(treeOf(await indexLayer(golden)), contentsIn([golden])),
      name,
    )
  }
  t.is(compared, 14)
})

when(`mergeTocs: the layouts of grootfs, as their README and the specification say${why}`, async t => {
  const base = join(corpus!, 'cloudfoundry+grootfs/oci-test-image')
  const treeOfLayout = async (name: string) => {
    await using spool = await openSpoolFile()
    return mergeTocs((await layersOf(join(base, name), spool)).tocs)
  }
  const paths = (tree: MergedTree) => Array.from(tree.walk(), node => tree.pathOf(node))
  const hardlink = await treeOfLayout('hardlink')
  for (const [one, other] of [
    ['file', 'first/second/file-link'],
    ['file-link2', 'first/second/file2'],
  ])
    t.is(hardlink.lookup(one!)!.inode, hardlink.lookup(other!)!.inode)
  t.is(hardlink.lookup('file')!.inode.links, 2)
  // Opaque: of the lower var nothing is left, whatever stands before the marker stays.
  const opaque = await treeOfLayout('opq-whiteouts-busybox')
  t.deepEqual(
    paths(opaque).filter(path => path.startsWith('var')),
    ['var', 'var/istillexist'],
  )
  t.true(paths(opaque).includes('etc/passwd'))
  t.deepEqual(paths(await treeOfLayout('empty')), ['allo', 'hello'])
  const modeIn = async (name: string, path: string) => {
    const tree = await treeOfLayout(name)
    return tree.entry(tree.lookup(path)!)!.mode.toString(8)
  }
  t.is(await modeIn('non-writable-file', 'test/hello'), '555')
  t.is(await modeIn('non-writable-folder', 'test'), '555')
})
