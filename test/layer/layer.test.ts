import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { collect } from '../../src/bytes/collect.js'
import { openFile } from '../../src/bytes/file-source.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { slice } from '../../src/bytes/slice.js'
import { contentsIn, fillHoles, storedFromStream, wholeContent } from '../../src/layer/content.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { measureLayer } from '../../src/layer/measure.js'
import { mergeTocs } from '../../src/layer/merged-tree.js'
import type { Toc } from '../../src/layer/toc.js'
import { TocBuilder } from '../../src/layer/toc-builder.js'
import { decodeToc, encodeToc } from '../../src/layer/toc-file.js'
import { wasteOf } from '../../src/layer/waste.js'
import { whiteoutOf } from '../../src/layer/whiteout.js'
import type { EntryType, TarEntry } from '../../src/tar/entry.js'
import { scanSource } from '../../src/tar/scan-source.js'
import { sha256, tarOf } from '../helpers/generate.js'

const entryOf = (path: string | Buffer, rest: Partial<TarEntry> = {}): TarEntry => ({
  ...{
    path: Buffer.from(path),
    type: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    uname: Buffer.alloc(0),
    gname: Buffer.alloc(0),
  },
  ...{
    mtime: { seconds: 0, nanos: 0 },
    size: 0,
    linkPath: Buffer.alloc(0),
    devMajor: 0,
    devMinor: 0,
    xattrs: [],
  },
  ...{ headerOffset: 0, dataOffset: 512, storedSize: 0 },
  ...rest,
})
const tocOf = (entries: readonly TarEntry[]): Toc => {
  const builder = new TocBuilder()
  for (const entry of entries) builder.add(entry)
  return builder.finish(0)
}

/**
 * A layer in one line a name: `a/` a folder, `a` a file, `a>b` a symbolic link, `a=b` a hard link, `a:700` a
 * file or folder of a mode. `.wh.` names as they are.
 */
const layer = (...lines: readonly string[]): Toc =>
  tocOf(
    lines.map(line => {
      const [, path, mark, rest] = /^([^>=:]+)(?:([>=:])(.*))?$/.exec(line)!
      const type: EntryType =
        mark === '>' ? 'symlink' : mark === '=' ? 'hardlink' : path!.endsWith('/') ? 'directory' : 'file'
      return entryOf(path!, {
        type,
        ...(mark === ':' && { mode: Number.parseInt(rest!, 8) }),
        ...((mark === '>' || mark === '=') && { linkPath: Buffer.from(rest!) }),
        ...(type === 'file' && { size: 10, storedSize: 10 }),
      })
    }),
  )
test('mergeTocs: a circle of symbolic links ends', t => {
  const tree = mergeTocs([layer('a>b', 'b>a')])
  t.throws(() => tree.lookup('a', { follow: true }), { message: /more than 40 symbolic links/ })
  t.throws(() => mergeTocs([layer('a>b', 'b>a'), layer('a/x')]), { code: 'BAD_TAR' })
})

test('mergeTocs: what is odd is told', t => {
  t.deepEqual(mergeTocs([layer('a', 'a', 'b=nothing')]).oddities, [
    'a stands more than once in layer 1; the last is taken',
    'b is a hard link to "nothing", which is not there',
  ])
})

test('mergeTocs: random layers as a naive model has them', t => {
  const name = fc.constantFrom(
    'a',
    'b',
    'a/x',
    'a/y',
    'b/x',
    'a/x/z',
    '.wh.a',
    'a/.wh.x',
    'a/.wh..wh..opq',
    '.wh..wh..opq',
    'a/',
    'a/x/',
  )
  const layers = fc.array(fc.array(name, { maxLength: 6 }), { maxLength: 5 })
  fc.assert(
    fc.property(layers, names => {
      // Paths in a map; folders are implied by what is in them or stand for themselves with a slash.
      let model = new Map<string, number>()
      for (const [index, list] of names.entries()) {
        const gone = list.flatMap(path => {
          const folder = path.slice(0, path.lastIndexOf('/') + 1)
          const base = path.slice(folder.length)
          return base === '.wh..wh..opq'
            ? [folder]
            : base.startsWith('.wh.')
              ? [`${folder}${base.slice(4)}`, `${folder}${base.slice(4)}/`]
              : []
        })
        model = new Map(
          [...model].filter(
            ([path]) =>
              !gone.some(
                prefix =>
                  (prefix.endsWith('/') || prefix === ''
                    ? path.startsWith(prefix) && path !== prefix
                    : path === prefix) ||
                  (gone.includes(prefix.slice(0, -1)) && path === prefix),
              ),
          ),
        )
        for (const path of list.filter(path => !path.includes('.wh.'))) {
          const clean = path.replace(/\/$/, '')
          const parents = clean
            .split('/')
            .slice(0, -1)
            .map((_, depth, parts) => parts.slice(0, depth + 1).join('/'))
          for (const parent of parents) {
            model.delete(parent)
            model.set(`${parent}/`, index)
          }
          if (path.endsWith('/')) model.delete(clean)
          else for (const other of [...model.keys()]) if (other.startsWith(`${clean}/`)) model.delete(other)
          model.set(path, index)
        }
      }
      const files = (paths: Iterable<string>) =>
        [...paths]
          .filter(path => !path.endsWith('/'))
          .sort()
          .join(' ')
      const tree = mergeTocs(names.map(list => layer(...list)))
      const found = Array.from(tree.walk())
        .filter(node => node.inode.type !== 'directory')
        .map(node => tree.pathOf(node))
      return files(found) === files(model.keys())
    }),
    { numRuns: 2000 },
  )
  t.pass()
})

test('whiteoutOf: what each name hides', t => {
  t.deepEqual(whiteoutOf('d/.wh.x'), { kind: 'whiteout', target: 'd/x' })
  t.deepEqual(whiteoutOf('.wh..wh..opq'), { kind: 'opaque', folder: '' })
  for (const path of ['.wh..wh.plnk/1', '.wh.', '.wh..', '.wh...', '.wh..wh.x'])
    t.deepEqual(whiteoutOf(path), { kind: 'aufs' }, path)
  t.is(whiteoutOf('d/x.wh.y'), undefined)
})

test('Toc: entries come back as they went in, through the file too', t => {
  const bytes = fc.uint8Array({ maxLength: 20 }).map(value => Buffer.from(value))
  const anyEntry = fc.record({
    path: bytes,
    type: fc.constantFrom<EntryType>(
      'file',
      'hardlink',
      'symlink',
      'character-device',
      'block-device',
      'directory',
      'fifo',
    ),
    mode: fc.nat(0o7777),
    uid: fc.nat(Number.MAX_SAFE_INTEGER),
    gid: fc.nat(2 ** 32),
    uname: bytes.filter(value => !value.includes(0)),
    gname: bytes.filter(value => !value.includes(0)),
    mtime: fc.record({ seconds: fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), nanos: fc.nat(999_999_999) }),
    size: fc.nat(Number.MAX_SAFE_INTEGER),
    linkPath: bytes,
    devMajor: fc.nat(5),
    devMinor: fc.nat(5),
    xattrs: fc.array(fc.record({ name: bytes, value: bytes }), { maxLength: 2 }),
    headerOffset: fc.nat(Number.MAX_SAFE_INTEGER),
    dataOffset: fc.nat(Number.MAX_SAFE_INTEGER),
    storedSize: fc.nat(Number.MAX_SAFE_INTEGER),
  })
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 30 }), entries => {
      const toc = tocOf(entries)
      t.deepEqual([...toc], entries)
      t.deepEqual([...decodeToc(encodeToc(toc), 'test')], entries)
    }),
  )
  const sparse = entryOf('s', { size: 100, sparse: [{ offset: 5, length: 10 }] })
  t.deepEqual([...decodeToc(encodeToc(tocOf([sparse])), 'test')], [sparse])
})

test('decodeToc: any flipped bit is STORE_CORRUPT', t => {
  const file = encodeToc(tocOf([entryOf('a'), entryOf('b/c', { uname: Buffer.from('root') })]))
  for (let at = 0; at < file.length; at++) {
    const changed = Buffer.from(file)
    changed[at]! ^= 1 << (at % 8)
    t.throws(() => decodeToc(changed, 'test'), { code: 'STORE_CORRUPT' }, `byte ${at}`)
  }
  for (const length of [0, 10, 30, file.length - 1])
    t.throws(() => decodeToc(file.subarray(0, length), 'test'), { code: 'STORE_CORRUPT' })
})

test('measureLayer: digests, Toc and the stored bytes in one reading', async t => {
  const tar = await tarOf([{ name: 'etc/' }, { name: 'etc/a', body: 'x'.repeat(2000) }])
  const padded = Buffer.concat([tar, Buffer.alloc(10_000)])
  for (const [stored, compression] of [
    [padded, 'none'],
    [gzipSync(padded), 'gzip'],
  ] as const) {
    const tapped: Uint8Array[] = []
    const measured = await measureLayer(memorySource(stored).stream(), 'layer', async chunk => {
      tapped.push(chunk)
    })
    t.true(Buffer.concat(tapped).equals(stored))
    t.is(measured.digest, sha256(stored))
    t.is(measured.diffId, sha256(padded))
    t.is(measured.compression, compression)
    t.deepEqual(
      [measured.size, measured.uncompressedSize, measured.toc.length],
      [stored.length, padded.length, 2],
    )
    t.deepEqual([...measured.toc], [...(await indexLayer(memorySource(padded)))])
  }
})

test('measureLayer: empty layers, and layers that are no tars', async t => {
  const measure = (bytes: Uint8Array) => measureLayer(memorySource(bytes).stream(), 'layer')
  t.is(
    (await measure(Buffer.alloc(1024))).diffId,
    'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef',
  )
  t.is((await measure(Buffer.alloc(0))).toc.length, 0)
  t.regex((await measure(Buffer.from(`{"_type":"in-toto"}${' '.repeat(600)}`))).notTar!, /no tar header/)
  t.is((await measure(Buffer.from('short'))).toc.length, 0)
  const tar = await tarOf([{ name: 'a', body: 'x'.repeat(2000) }])
  await t.throwsAsync(measure(tar.subarray(0, 1000)), {
    message: /^Cannot read layer: The tar ends inside "a"/,
  })
})

test('content: a file out of its layer, as a source and as a stream, holes filled', async t => {
  const tar = await tarOf([
    { name: 'a', body: 'first' },
    { name: 'b', body: 'second' },
  ])
  const toc = await indexLayer(memorySource(tar))
  const all = { max: 1000, what: 'test' }
  t.is(
    (
      await collect(wholeContent(contentsIn([memorySource(tar)]), { layer: 0, entry: toc.entry(1) }), all)
    ).toString(),
    'second',
  )
  t.is((await collect(storedFromStream(memorySource(tar).stream(), toc.entry(1)), all)).toString(), 'second')
  const holes = fillHoles(memorySource(Buffer.from('abcde')).stream(), {
    size: 10,
    sparse: [
      { offset: 2, length: 3 },
      { offset: 7, length: 2 },
    ],
  })
  t.is((await collect(holes, all)).toString('latin1'), '\0\0abc\0\0de\0')
})

test('wasteOf: what is deleted and replaced, but no inode that another name shows', t => {
  const waste = wasteOf([layer('a', 'b', 'c', 'd=c'), layer('.wh.a', 'b', 'c')])
  t.deepEqual(
    waste.paths.map(({ path, bytes, how, layers }) => [path.toString(), bytes, how, [...layers]]),
    [
      ['a', 10, 'deleted', [0, 1]],
      ['b', 10, 'replaced', [0, 1]],
    ],
  )
  t.is(waste.wastedBytes, 20)
  t.is(wasteOf([layer('a')]).score, 1)
})

const corpus = process.env.LADING_CORPUS
;(corpus ? test : test.skip)(
  `wasteOf: dive's own test image has dive's own figures${corpus ? '' : ' [skipped: LADING_CORPUS is not set]'}`,
  async t => {
    await using file = await openFile(join(corpus!, 'wagoodman+dive/test-docker-image.tar'))
    const entries = new Map<string, TarEntry>()
    await scanSource(file, { entry: entry => void entries.set(entry.path.toString(), entry) })
    const part = (name: string) =>
      slice(file, { offset: entries.get(name)!.dataOffset, length: entries.get(name)!.size })
    const manifest = part('manifest.json')
    const [{ Layers }] = JSON.parse((await manifest.read({ offset: 0, length: manifest.size })).toString())
    const waste = wasteOf(await Promise.all((Layers as string[]).map(name => indexLayer(part(name)))))
    t.is(waste.score, 0.9844212134184309)
    t.is(waste.wastedBytes, 32_025)
    t.is(waste.totalBytes, 1_220_598)
  },
)
