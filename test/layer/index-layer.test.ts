import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { openFile } from '../../src/bytes/file-source.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { TocBuilder } from '../../src/layer/toc-builder.js'
import { LadingError } from '../../src/spec/errors.js'
import type { TarEntry } from '../../src/tar/entry.js'
import type { TarEvents } from '../../src/tar/reader.js'
import { scanSource } from '../../src/tar/scan-source.js'
import { TarScanner } from '../../src/tar/scan-stream.js'
import { content, fixChecksum, gnu, long, pax, rawHeader, tar, v7 } from '../tar/raw-tar.js'

const folder = mkdtempSync(join(tmpdir(), 'index-layer-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const owners = { 265: 'root\0', 297: 'wheel\0' }
const good = tar(
  rawHeader({ name: 'dir/', flag: '5', at: owners }),
  ...[rawHeader({ name: 'dir/file', size: 700, magic: gnu, at: owners }), content('x'.repeat(700))],
  ...[rawHeader({ name: 'n'.repeat(100), prefix: 'p'.repeat(155), size: 512 }), content('y'.repeat(512))],
  rawHeader({
    name: 'link',
    flag: '2',
    link: 'l'.repeat(100),
    at: { 265: 'u'.repeat(32), 297: 'g'.repeat(32) },
  }),
  rawHeader({ name: 'hard', flag: '1', link: 'dir/file', size: 5 }),
  ...[pax(['path', 'long'], ['mtime', '1.5']), rawHeader({ size: 3 }), content('abc')],
  rawHeader({
    name: 'spaces',
    uid: '    12 \0',
    mtime: '           \0',
    at: { 100: '   755 \0', 116: '\0'.repeat(8) },
  }),
  rawHeader({ name: 'prefix', prefix: 'star', at: { 476: 'atime', 508: 'tar\0' } }),
  rawHeader({ name: 'times', magic: gnu, at: { 345: '14000000000\0' } }),
  rawHeader({ name: 'go', magic: gnu, at: { 345: 'old' } }),
  rawHeader({ name: 'ancient', magic: v7 }),
  ...[long('long name'), rawHeader({ name: 'last', size: 1 }), content('z')],
  rawHeader({ name: 'end', flag: '5' }),
)
const headers: number[] = []
for (let at = 0; at < good.length; at += 512)
  if (/^[0-7 ]{7}\0/.test(good.toString('latin1', at + 100, at + 108))) headers.push(at)

const fields = [
  0, 1, 99, 100, 107, 108, 116, 123, 124, 130, 134, 135, 136, 147, 148, 153, 154, 155, 156, 156, 157, 256,
]
const later = [257, 261, 262, 263, 264, 265, 296, 297, 328, 329, 337, 345, 346, 476, 499, 500, 508, 511]
const change = fc.record({
  at: fc
    .tuple(fc.constantFrom(...headers), fc.oneof(fc.constantFrom(...fields, ...later), fc.nat(511)))
    .map(([header, field]) => header + field),
  value: fc.oneof(fc.constantFrom(...Buffer.from('\0 0125679xgLS/ta\x80\xff', 'latin1')), fc.nat(255)),
})

type Outcome = { entries: TarEntry[]; error?: string }
type Read = (events: TarEvents) => unknown
const entriesOf = async (read: Read, plain: boolean): Promise<Outcome> => {
  const builder = new TocBuilder()
  const { entry } = builder.events
  let error: string | undefined
  try {
    await read(plain ? builder.events : { entry })
  } catch (thrown) {
    if (!(thrown instanceof LadingError)) throw thrown
    error = `${thrown.code} ${thrown.message} ${JSON.stringify(thrown.data)}`
  }
  return { entries: [...builder.finish(0)], ...(error !== undefined && { error }) }
}
const pushed =
  (bytes: Buffer, chunk: number): Read =>
  events => {
    const scanner = new TarScanner(events)
    for (let at = 0; at < bytes.length; at += chunk) {
      // What a chunk held is gone once it was pushed.
      const piece = Buffer.from(bytes.subarray(at, at + chunk))
      scanner.push(piece)
      piece.fill(0x2e)
    }
    scanner.end()
  }

test('TarScanner: plain headers read in place are the entries, and the errors, of the reader', async t => {
  let failures = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 4 }),
      fc.integer({ min: 0, max: 9 }),
      fc.option(fc.nat(good.length), { freq: 3 }),
      fc.integer({ min: 1, max: 5000 }),
      async (changes, fixed, cut, chunk) => {
        const mutated = Buffer.from(good)
        for (const { at, value } of changes) mutated[at] = value
        if (fixed > 0) for (const header of headers) fixChecksum(mutated, header)
        const bytes = mutated.subarray(0, cut ?? good.length)
        const wanted = await entriesOf(pushed(bytes, bytes.length || 1), false)
        if (wanted.error !== undefined) failures++
        t.deepEqual(await entriesOf(pushed(bytes, chunk), true), wanted)
        t.deepEqual(await entriesOf(pushed(bytes, bytes.length || 1), true), wanted)
      },
    ),
    { numRuns: 4000 },
  )
  t.log(`${failures} of 4000 refused`)
})

test('TarScanner: what is plain goes the fast way', t => {
  const names: string[] = []
  const scanner = new TarScanner({ entry: () => {}, plain: header => names.push(header.path().toString()) })
  scanner.push(good)
  scanner.end()
  t.deepEqual(
    names.map(name => name.slice(0, 8)),
    ['dir/', 'dir/file', 'pppppppp', 'link', 'hard', 'spaces', 'end'],
  )
})

test('indexLayer: from a file, wherever it ends, as by the reader alone', async t => {
  const path = join(folder, 'cut.tar')
  for (let cut = good.length; cut >= 0; cut -= 256) {
    const bytes = good.subarray(0, cut)
    writeFileSync(path, bytes)
    await using file = await openFile(path)
    const wanted = await entriesOf(events => scanSource(memorySource(bytes), events), false)
    t.deepEqual(await entriesOf(events => scanSource(file, events), true), wanted, String(cut))
  }
})

test('indexLayer: files of any size, near one another and far, from a file as from memory', async t => {
  const path = join(folder, 'sizes.tar')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.oneof(fc.nat(2000), fc.nat(100_000)), fc.boolean()), { maxLength: 60 }),
      async files => {
        const parts = files.flatMap(([size, extended], index) => [
          ...(extended ? [pax(['mtime', `${index}.25`])] : []),
          rawHeader({ name: `file-${index}`, size }),
          content(Buffer.alloc(size, 'ustar')),
        ])
        const bytes = tar(...parts)
        writeFileSync(path, bytes)
        await using file = await openFile(path)
        const toc = await indexLayer(file)
        t.deepEqual([...toc], [...(await indexLayer(memorySource(bytes)))])
        t.is(toc.length, files.length)
      },
    ),
    { numRuns: 60 },
  )
})
