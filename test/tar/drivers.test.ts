import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import type { ByteSource, ByteStream } from '../../src/bytes/byte-stream.js'
import { collect } from '../../src/bytes/collect.js'
import { openFile } from '../../src/bytes/file-source.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { LadingError } from '../../src/spec/errors.js'
import type { TarEntry } from '../../src/tar/entry.js'
import { readTarStream } from '../../src/tar/read-stream.js'
import { scanSource } from '../../src/tar/scan-source.js'
import { TarScanner } from '../../src/tar/scan-stream.js'
import { encodeEntry } from '../../src/tar/write.js'
import { content, fixChecksum, globalPax, gnu, long, pax, rawHeader, tar } from './raw-tar.js'

const folder = mkdtempSync(join(tmpdir(), 'drivers-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

async function* stream(bytes: Buffer, length: number): ByteStream {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

type Outcome = { entries: TarEntry[]; error?: string }
/** What was told before it ended, and how it ended. Anything but a LadingError is thrown on. */
const observe = async (read: (add: (entry: TarEntry) => void) => unknown): Promise<Outcome> => {
  const entries: TarEntry[] = []
  try {
    await read(entry => entries.push(entry))
    return { entries }
  } catch (error) {
    if (!(error instanceof LadingError)) throw error
    return { entries, error: `${error.code} ${error.message}` }
  }
}
const scanned = (bytes: Buffer, chunk: number) =>
  observe(entry => {
    const scanner = new TarScanner({ entry })
    for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk))
    scanner.end()
  })
const streamed = (bytes: Buffer, chunk: number) =>
  observe(async add => {
    for await (const { entry } of readTarStream(stream(bytes, chunk))) add(entry)
  })
const sought = (source: ByteSource) => observe(entry => scanSource(source, { entry }))

/** One of each kind, and the offsets of its headers. */
const good = tar(
  ...[
    pax(['path', 'long'], ['size', '700'], ['SCHILY.xattr.user.x', 'y']),
    rawHeader({ size: 700 }),
    content('x'.repeat(700)),
  ],
  ...[
    rawHeader({ name: 'dir/', flag: '5' }),
    long('long name'),
    long('long link', 'K'),
    rawHeader({ flag: '2', magic: gnu }),
  ],
  ...[globalPax(['comment', 'global']), rawHeader({ flag: 'V', name: 'label', magic: gnu })],
  pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '2000']),
  ...[rawHeader({ size: 522 }), content('1\n1500\n10\n'), content('0123456789')],
  rawHeader({
    flag: 'S',
    size: 5,
    magic: gnu,
    at: { 386: '00000000000\x0000000000005\0', 482: '\x01', 483: '00000000011\0' },
  }),
  ...[Buffer.alloc(512), content('abcde'), rawHeader({ flag: '3', at: { 329: '0000001\x000000003\0' } })],
)
const headers: number[] = []
for (let at = 0; at < good.length; at += 512)
  if (good.toString('latin1', at + 257, at + 262) === 'ustar') headers.push(at)

const offsets = [
  0, 100, 108, 124, 125, 130, 135, 136, 156, 156, 156, 157, 257, 262, 263, 329, 345, 386, 398, 482, 483, 494,
]
const change = fc.oneof(
  // Where a header means something, with the checksum put right again.
  fc.record({
    at: fc
      .tuple(fc.constantFrom(...headers), fc.constantFrom(...offsets))
      .map(([header, field]) => header + field),
    value: fc.oneof(
      fc.constantFrom(...Buffer.from('\0 01235679xgLKXSVDMNA/\x80\xff', 'latin1')),
      fc.nat(255),
    ),
  }),
  fc.record({ at: fc.nat(good.length - 1), value: fc.nat(255) }),
)

test('any change of valid headers: a LadingError or a list, the same from every driver and in any chunks', async t => {
  let failures = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 5 }),
      fc.option(fc.nat(good.length), { freq: 8 }),
      fc.integer({ min: 1, max: 3000 }),
      async (changes, cut, chunk) => {
        const mutated = Buffer.from(good)
        for (const { at, value } of changes) mutated[at] = value
        for (const header of headers) fixChecksum(mutated, header)
        const bytes = mutated.subarray(0, cut ?? good.length)
        const wanted = await scanned(bytes, bytes.length || 1)
        if (wanted.error) failures++
        t.deepEqual(await scanned(bytes, chunk), wanted)
        t.deepEqual(await streamed(bytes, chunk), wanted)
        t.deepEqual(await sought(memorySource(bytes)), wanted)
        for (const { headerOffset, dataOffset, storedSize, size, sparse } of wanted.entries) {
          t.true(headerOffset % 512 === 0 && dataOffset % 512 === 0 && headerOffset < dataOffset)
          t.true(dataOffset <= bytes.length && storedSize >= 0 && Number.isSafeInteger(size))
          if (sparse === undefined) t.is(storedSize, size)
        }
        if (wanted.error === undefined)
          for (const { dataOffset, storedSize } of wanted.entries)
            t.true(dataOffset + storedSize <= bytes.length)
      },
    ),
    { numRuns: 3000 },
  )
  t.log(`${failures} of 3000 refused`)
})

test('scanSource: from a file as from memory, also when it ends anywhere', async t => {
  const path = join(folder, 'good.tar')
  for (let cut = good.length; cut > 0; cut -= 300) {
    const bytes = good.subarray(0, cut)
    writeFileSync(path, bytes)
    await using file = await openFile(path)
    t.deepEqual(await sought(file), await sought(memorySource(bytes)), String(cut))
  }
})

test('scanSource: reads headers only', async t => {
  const size = 8 ** 11 - 512
  let bytesRead = 0
  const header = encodeEntry({ path: Buffer.from('large'), type: 'file', size })
  const source: ByteSource = {
    size: size + 512 + 1024,
    stream: () => t.fail('it streams') as never,
    read: async ({ offset, length }) => {
      bytesRead += length
      return offset === 0 ? header : Buffer.alloc(length)
    },
  }
  const { entries, error } = await sought(source)
  t.is(error, undefined)
  t.deepEqual(
    entries.map(({ size }) => size),
    [size],
  )
  t.is(bytesRead, 1024)
})

test('readTarStream: a body left unread or half read does not move the next header', async t => {
  const bytes = tar(
    ...[300, 0, 5000, 512, 1].flatMap((size, index) => [
      rawHeader({ name: `f${index}`, size }),
      content(Buffer.alloc(size, index + 1)),
    ]),
  )
  for (const take of [0, 1, 100, 1e6]) {
    const names: string[] = []
    for await (const { entry, body } of readTarStream(stream(bytes, 700))) {
      names.push(entry.path.toString())
      let left = take
      for await (const chunk of body) {
        t.true(chunk.every(byte => byte === names.length))
        left -= chunk.length
        if (left <= 0) break
      }
    }
    t.deepEqual(names, ['f0', 'f1', 'f2', 'f3', 'f4'])
  }
})

test('readTarStream: the stream is read to its end, and given back when the reader leaves', async t => {
  let ended = false
  let closed = false
  async function* watched(): ByteStream {
    try {
      yield Buffer.concat([good, Buffer.alloc(50_000)])
      yield Buffer.alloc(50_000)
      ended = true
    } finally {
      closed = true
    }
  }
  for await (const _ of readTarStream(watched()));
  t.true(ended && closed)
  closed = false
  for await (const _ of readTarStream(watched())) break
  t.true(closed)
})

test('readTarStream: a body that the tar ends within ends in TRUNCATED, not as if it were whole', async t => {
  const bytes = Buffer.concat([rawHeader({ size: 3000 }), Buffer.alloc(2000)])
  const bodies = readTarStream(stream(bytes, 512))
  const { value } = await bodies.next()
  await t.throwsAsync(collect(value!.body, { max: 1 << 20, what: 'body' }), { code: 'TRUNCATED' })
})
