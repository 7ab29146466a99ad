import { spawnSync } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import type { ByteStream } from '../../src/bytes/byte-stream.js'
import { collect } from '../../src/bytes/collect.js'
import { compress } from '../../src/bytes/compress.js'
import { decompress, decompressOnce } from '../../src/bytes/decompress.js'
import { fileSource, openFile } from '../../src/bytes/file-source.js'
import { digestOf } from '../../src/bytes/hasher.js'
import { inflatedSource } from '../../src/bytes/inflated-source.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { peek } from '../../src/bytes/peek.js'
import { slice } from '../../src/bytes/slice.js'
import { sniffCompression } from '../../src/bytes/sniff.js'
import { openSpoolFile } from '../../src/bytes/spool-file.js'
import { StreamReader } from '../../src/bytes/stream-reader.js'
import { inflateHead } from '../../src/bytes/sync-inflate.js'
import { verified } from '../../src/bytes/verified.js'
import { LadingError } from '../../src/spec/errors.js'
import { has } from '../helpers/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'bytes-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** `bytes` in chunks of `length`. */
async function* stream(bytes: Uint8Array, length = 7000): ByteStream {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}
const all = (bytes: ByteStream) => collect(bytes, { max: 1 << 28, what: 'test' })
const inflate = async (bytes: Uint8Array, chunk?: number) => {
  const { stream: inner, compressions } = await decompress(stream(bytes, chunk), { what: 'test' })
  return { bytes: await all(inner), compressions }
}
const failure = async (work: Promise<unknown>): Promise<LadingError> => {
  try {
    await work
  } catch (error) {
    if (error instanceof LadingError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const text = Buffer.from(
  Array.from({ length: 40_000 }, (_, index) => `line ${(index * 7919) % 1000}\n`).join(''),
)
/** What the real program makes of `input`. */
const by = (program: string, args: readonly string[], input: Uint8Array): Buffer =>
  spawnSync(program, args, { input, maxBuffer: 1 << 28 }).stdout
const half = text.length >> 1
const skippable = Buffer.from('502a4d180400000061626364', 'hex')

const programs: readonly [program: string, compression: string, args: readonly string[]][] = [
  ['gzip', 'gzip', ['-c']],
  ['pigz', 'gzip', ['-i', '-c', '-b', '128']],
  ['bzip2', 'bzip2', ['-c']],
  ['xz', 'xz', ['-c']],
  ['zstd', 'zstd', ['-q', '-c']],
]
for (const [program, compression, args] of programs) {
  const missing = !has(program)
  ;(missing ? test.skip : test)(
    `decompress: what ${program} writes, in one piece and in two${missing ? ` [skipped: ${program} is not installed]` : ''}`,
    async t => {
      const one = by(program, args, text)
      t.deepEqual((await inflate(one)).compressions, [compression as 'gzip'])
      t.true((await inflate(one)).bytes.equals(text))
      const between = compression === 'zstd' ? skippable : Buffer.alloc(0)
      const two = Buffer.concat([
        by(program, args, text.subarray(0, half)),
        between,
        by(program, args, text.subarray(half)),
      ])
      t.true((await inflate(two, 1000)).bytes.equals(text))
    },
  )
  ;(missing ? test.skip : test)(
    `decompress: ${program} data cut short is TRUNCATED, changed data is an error${missing ? ` [skipped: ${program} is not installed]` : ''}`,
    async t => {
      const one = by(program, args, text)
      t.is((await failure(inflate(one.subarray(0, one.length >> 1)))).code, 'TRUNCATED')
      const changed = Buffer.from(one)
      for (let at = 40; at < 60; at++) changed[at]! ^= 0x55
      const outcome = await inflate(changed).then(
        ({ bytes }) => bytes.equals(text),
        error => (error as LadingError).code,
      )
      t.true(['BAD_COMPRESSION', 'TRUNCATED', 'LIMIT_EXCEEDED', false].includes(outcome), String(outcome))
    },
  )
}

test('decompress: compressions around one another, outermost first, up to four', async t => {
  const nested = await inflate(gzipSync(gzipSync(text)))
  t.deepEqual(nested.compressions, ['gzip', 'gzip'])
  t.true(nested.bytes.equals(text))
  let deep: Buffer = text
  for (let depth = 0; depth < 5; depth++) deep = gzipSync(deep)
  t.is((await failure(inflate(deep))).code, 'LIMIT_EXCEEDED')
})

test('decompress: zeros behind gzip are padding, anything else is an error', async t => {
  t.true((await inflate(Buffer.concat([gzipSync(text), Buffer.alloc(5000)]))).bytes.equals(text))
  t.is(
    (await failure(inflate(Buffer.concat([gzipSync(text), Buffer.from('rubbish behind')])))).code,
    'BAD_COMPRESSION',
  )
})

test('decompress: a bomb stops at the limit (CVE-2026-59873)', async t => {
  const bomb = gzipSync(Buffer.alloc(50 << 20))
  const { stream: inner } = await decompressOnce(stream(bomb), { what: 'bomb', maxBytes: 1 << 20 })
  t.is((await failure(all(inner))).code, 'LIMIT_EXCEEDED')
})

test('decompress: a zstd frame that wants a huge window is refused before it is decoded', async t => {
  // Frame header: no single segment, window descriptor 21 << 3: 2 GiB.
  const frame = Buffer.from('28b52ffd00a8010000', 'hex')
  t.regex((await failure(inflate(frame))).message, /window of 2147483648 bytes, at most 134217728/)
})

test('decompress: a reader that stops early leaves nothing running', async t => {
  let closed = false
  async function* source(): ByteStream {
    try {
      const bytes = gzipSync(Buffer.alloc(30 << 20, 'x'))
      for (let at = 0; ; at = (at + 1000) % bytes.length) yield bytes.subarray(at, at + 1000)
    } finally {
      closed = true
    }
  }
  const { stream: inner } = await decompress(source(), { what: 'test' })
  for await (const _ of inner) break
  await new Promise(resolve => setTimeout(resolve, 50))
  t.true(closed)
})

test('sniffCompression: as much of the magic as there is', t => {
  t.is(sniffCompression(Buffer.from('BZh9 is a fine name for a file')), 'none')
  t.is(sniffCompression(Buffer.alloc(0)), 'none')
  t.is(sniffCompression(skippable), 'zstd')
})

test('compress: what it writes is deterministic, and the real programs read it', async t => {
  for (const algorithm of ['gzip', 'zstd'] as const) {
    const made = await all(compress(stream(text), { algorithm }))
    t.true(made.equals(await all(compress(stream(text, 333), { algorithm }))), algorithm)
    t.true((await inflate(made)).bytes.equals(text), algorithm)
    if (has(algorithm)) t.true(by(algorithm, ['-d', '-c'], made).equals(text), algorithm)
  }
  const gzip = await all(compress(stream(text), { algorithm: 'gzip', level: 1 }))
  t.deepEqual([...gzip.subarray(4, 8), gzip[9]], [0, 0, 0, 0, 255])
  t.true(gunzipSync(gzip).equals(text))
  t.throws(() => compress(stream(text), { algorithm: 'gzip', level: 10 }), { code: 'USAGE' })
})

test('inflateHead: the first bytes of gzip data, also when it is cut, also of what is none', t => {
  const gzip = gzipSync(text)
  t.true(inflateHead(gzip, 512).equals(text.subarray(0, 512)))
  t.true(inflateHead(gzip.subarray(0, 300), 64).equals(text.subarray(0, 64)))
  t.is(inflateHead(Buffer.from('no gzip at all'), 512).length, 0)
  t.is(inflateHead(gzipSync(Buffer.alloc(64 << 20)), 1000).length, 1000)
})

test('verified: passes what is right, and names found and wanted for what is not', async t => {
  const digest = digestOf(text)
  t.true((await all(verified(stream(text), { digest, size: text.length }, 'blob'))).equals(text))
  const changed = Buffer.from(text)
  changed[5]! ^= 1
  const mismatch = await failure(all(verified(stream(changed), { digest, size: text.length }, 'blob')))
  t.is(mismatch.message, `Wrong content in blob: found ${digestOf(changed)}, wanted ${digest}`)
  t.is(
    (await failure(all(verified(stream(text), { digest, size: text.length + 1 }, 'blob')))).code,
    'SIZE_MISMATCH',
  )
  let given = 0
  async function* endless(): ByteStream {
    for (;;) {
      given++
      yield text
    }
  }
  t.is((await failure(all(verified(endless(), { digest, size: text.length }, 'blob')))).code, 'SIZE_MISMATCH')
  t.is(given, 2)
})

test('peek and StreamReader: any cut of any chunks gives the same bytes', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 50 }),
      fc.nat(400),
      async (bytes, chunk, length) => {
        const peeked = await peek(stream(bytes, chunk), length)
        t.deepEqual(peeked.head, Buffer.from(bytes.subarray(0, length)))
        t.deepEqual(await all(peeked.stream), Buffer.from(bytes))
        const reader = new StreamReader(stream(bytes, chunk))
        const skipped = await reader.skip(length)
        t.is(skipped, Math.min(length, bytes.length))
        t.deepEqual(await reader.take(1000), Buffer.from(bytes.subarray(skipped)))
      },
    ),
  )
})

test('sources: memory, file, slice and inflated read the same ranges, and none reads beyond its end', async t => {
  const path = join(folder, 'file')
  writeFileSync(path, text)
  await using file = await openFile(path)
  const sources = [
    memorySource(text),
    file,
    inflatedSource(memorySource(gzipSync(text)), text.length, 'test'),
  ]
  for (const source of sources) {
    const part = slice(source, { offset: 1000, length: 50_000 })
    t.true((await part.read({ offset: 10, length: 20 })).equals(text.subarray(1010, 1030)))
    t.true((await all(part.stream())).equals(text.subarray(1000, 51_000)))
    t.throws(() => slice(part, { offset: 49_999, length: 2 }), { code: 'TRUNCATED' })
  }
  t.is(slice(file, { offset: 7, length: 1 }).file?.offset, 7)
})

test('fileSource: a file that shrinks while it is read is TRUNCATED, never filled up (CVE-2025-64118)', async t => {
  const path = join(folder, 'shrinks')
  writeFileSync(path, text)
  const source = fileSource({ fd: openSync(path, 'r'), offset: 0, length: text.length })
  truncateSync(path, 1000)
  t.is((await failure(all(source.stream()))).code, 'TRUNCATED')
})

test('openFile: what is no regular file is named', async t => {
  t.is((await failure(openFile(folder))).code, 'UNSUPPORTED')
  t.is((await failure(openFile(join(folder, 'nothing')))).code, 'NOT_FOUND')
})

test('openSpoolFile: what was written is read back in pieces', async t => {
  await using spool = await openSpoolFile()
  await spool.write(text.subarray(0, 10))
  const first = spool.cut()
  const second = await spool.append(stream(text))
  t.true((await all(first.stream())).equals(text.subarray(0, 10)))
  t.true((await all(second.stream())).equals(text))
})
