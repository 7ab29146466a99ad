/**
 * Compressed data as archives and layers have it: every shape that a reader must read whole, and every cut that it
 * must notice. What the programs write is in bytes.test.ts; here it is what few programs write.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync, gunzipSync, gzipSync, crc32 as nodeCrc32 } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import type { ByteStream } from '../../src/bytes/byte-stream.js'
import { collect } from '../../src/bytes/collect.js'
import { compress } from '../../src/bytes/compress.js'
import { decompress } from '../../src/bytes/decompress.js'
import { digestOf } from '../../src/bytes/hasher.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { inflateHead } from '../../src/bytes/sync-inflate.js'
import { verified } from '../../src/bytes/verified.js'
import { LadingError } from '../../src/spec/errors.js'

async function* stream(bytes: Uint8Array, length = 7000): ByteStream {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}
const all = (bytes: ByteStream) => collect(bytes, { max: 1 << 28, what: 'test' })
// decompress looks inside for another compression: it can itself be what throws.
const inflateAll = async (compressed: ByteStream) =>
  all((await decompress(compressed, { what: 'layer 1 of 1' })).stream)
const inflate = (bytes: Uint8Array, chunk?: number) => inflateAll(stream(bytes, chunk))
const failure = async (work: Promise<unknown>): Promise<LadingError> => {
  const outcome = await work.then(
    () => undefined,
    error => error,
  )
  if (outcome instanceof LadingError) return outcome
  throw outcome ?? new Error('nothing was thrown')
}

const text = Buffer.from(Array.from({ length: 9000 }, (_, index) => `${(index * 7919) % 1009}\n`).join(''))

/** One gzip member with every optional header field: FEXTRA, FNAME, FCOMMENT, FHCRC (RFC 1952). */
const memberWithAllFields = (content: Buffer): Buffer => {
  const extra = Buffer.from('SG\x04\x00abcd', 'latin1')
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 0x1e, 0x15, 0xcd, 0x5b, 0x07, 0, 3, extra.length, 0]),
    extra,
    Buffer.from('layer.tar\0made by hand\0'),
  ])
  const check = Buffer.alloc(2)
  check.writeUInt16LE(crc32(head) & 0xffff)
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc32(content), 0)
  trailer.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, check, deflateRawSync(content), trailer])
}

/** node:zlib has it from 20.15 on, its types do not. */
const crc32 = nodeCrc32 as (bytes: Uint8Array) => number

test('decompress: gzip with FEXTRA, FNAME, FCOMMENT and FHCRC, a time and a system, at any cut of the chunks', async t => {
  const member = memberWithAllFields(text)
  t.true(gunzipSync(member).equals(text))
  for (const chunk of [1, 10, 37, 100_000]) t.true((await inflate(member, chunk)).equals(text), String(chunk))
  t.true(inflateHead(member, 100).equals(text.subarray(0, 100)))
})

test('decompress: gzip of thousands of members as eStargz has it, some of them empty, is one stream', async t => {
  const pieces = Array.from({ length: 3000 }, (_, index) =>
    text.subarray(index * 7, index * 7 + (index % 5) * 9),
  )
  const members = Buffer.concat(pieces.map(piece => gzipSync(piece)))
  t.true((await inflate(members)).equals(Buffer.concat(pieces)))
  // A chunk that ends where a member does is what a reader may take for the end.
  const first = gzipSync(text)
  t.true((await inflate(Buffer.concat([first, first]), first.length)).equals(Buffer.concat([text, text])))
})

test('decompress: gzip cut anywhere is TRUNCATED and tells how many bytes were read', async t => {
  const whole = gzipSync(text)
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: whole.length - 1 }),
      fc.integer({ min: 1, max: 9000 }),
      async (cut, chunk) => {
        const error = await failure(inflate(whole.subarray(0, cut), chunk))
        t.is(error.code, 'TRUNCATED')
        t.is(error.data.read, cut)
        t.true(error.message.includes(`layer 1 of 1: the gzip data ends after ${cut} compressed bytes`))
      },
    ),
    { numRuns: 60 },
  )
  const second = await failure(inflate(Buffer.concat([whole, whole.subarray(0, 1)])))
  t.is(second.code, 'TRUNCATED')
})

test('decompress: one changed byte of gzip never gives other content without an error', async t => {
  const whole = gzipSync(text)
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 10, max: whole.length - 1 }),
      fc.integer({ min: 0, max: 7 }),
      async (at, bit) => {
        const changed = Buffer.from(whole)
        changed[at]! ^= 1 << bit
        const outcome = await inflate(changed).catch(error => error)
        // The bits that fill the last byte of the deflate data mean nothing.
        if (Buffer.isBuffer(outcome)) t.true(outcome.equals(text), `${at}.${bit}`)
        else
          t.true(['BAD_COMPRESSION', 'TRUNCATED'].includes(outcome.code), `${at}.${bit}: ${outcome.message}`)
      },
    ),
    { numRuns: 200 },
  )
})

const skippable = (content: Buffer, kind = 0): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50 + kind, 0)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

test('decompress: zstd with skippable frames before, between and behind, and zeros behind, at any cut of the chunks', async t => {
  const frame = (bytes: Buffer) => all(compress(stream(bytes), { algorithm: 'zstd' }))
  const parts = [
    skippable(Buffer.alloc(0)),
    await frame(text.subarray(0, 20_000)),
    skippable(text.subarray(0, 9000), 15),
    await frame(Buffer.alloc(0)),
    await frame(text.subarray(20_000)),
    skippable(Buffer.from('table of contents')),
    Buffer.alloc(7),
  ]
  for (const chunk of [1, 3, 1000, 1 << 20])
    t.true((await inflate(Buffer.concat(parts), chunk)).equals(text), String(chunk))
})

test('decompress: zstd cut inside a frame or a skippable one is TRUNCATED and names the offset', async t => {
  const frame = await all(compress(stream(text), { algorithm: 'zstd' }))
  for (const cut of [5, 8, 20, frame.length >> 1, frame.length - 1]) {
    const error = await failure(inflate(frame.subarray(0, cut)))
    t.is(error.code, 'TRUNCATED', String(cut))
    t.is(error.data.found, cut)
  }
  const skipped = Buffer.concat([frame, skippable(Buffer.alloc(100))])
  t.is((await failure(inflate(skipped.subarray(0, -1)))).code, 'TRUNCATED')
})

test('decompress: zstd with rubbish behind it, or a block of the reserved type, is BAD_COMPRESSION', async t => {
  const frame = await all(compress(stream(text), { algorithm: 'zstd' }))
  t.is((await failure(inflate(Buffer.concat([frame, Buffer.from('rubbish')])))).code, 'BAD_COMPRESSION')
  const reserved = Buffer.from('28b52ffd0058070000', 'hex')
  t.regex((await failure(inflate(reserved))).message, /reserved type/)
})

test('compress: the same bytes at the same level give the same output however they arrive, and come back', async t => {
  const bytes = Buffer.concat([text, Buffer.alloc(5 << 20, text), text])
  for (const [algorithm, level] of [
    ['gzip', 1],
    ['gzip', 9],
    ['zstd', 1],
  ] as const) {
    const digests = new Set<string>()
    for (const chunk of [997, 65_536, 1 << 23]) {
      const made = await all(compress(stream(bytes, chunk), { algorithm, level }))
      digests.add(digestOf(made))
      t.true((await inflate(made, 65_536)).equals(bytes), algorithm)
    }
    t.is(digests.size, 1, `${algorithm} ${level}`)
  }
  const empty = await all(compress(stream(Buffer.alloc(0)), { algorithm: 'gzip' }))
  t.is(empty.toString('hex').slice(0, 20), '1f8b08000000000000ff')
})

test('verified: a full reading of a compressed blob through decompress ends in DIGEST_MISMATCH', async t => {
  const blob = gzipSync(text)
  const wanted = { digest: digestOf(Buffer.from('another blob')), size: blob.length }
  t.is((await failure(inflateAll(verified(stream(blob), wanted, 'blob')))).code, 'DIGEST_MISMATCH')
})

test('decompress: an error of the source comes through every decoder as it was', async t => {
  for (const algorithm of ['gzip', 'zstd'] as const) {
    const bytes = await all(compress(stream(text), { algorithm }))
    async function* breaks(): ByteStream {
      yield bytes.subarray(0, bytes.length >> 1)
      throw new LadingError('BLOB_MISSING', 'The disk is gone')
    }
    t.is((await failure(inflateAll(breaks()))).code, 'BLOB_MISSING', algorithm)
  }
})

const corpus = process.env.LADING_CORPUS
;(corpus ? test : test.skip)(
  `decompress: every gzip archive of the corpus inflates to what node:zlib makes of it${corpus ? '' : ' [skipped: LADING_CORPUS is not set]'}`,
  async t => {
    const names = readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
      .split('\n')
      .map(line => line.split('\t')[0]!)
      .filter(name => name.endsWith('.gz'))
    let read = 0
    for (const name of names) {
      const bytes = readFileSync(join(corpus!, name))
      if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) continue
      const { stream: inner, compressions } = await decompress(memorySource(bytes).stream(), { what: name })
      const expected = compressions.reduce<Buffer>(inflated => gunzipSync(inflated), bytes)
      t.is(digestOf(await all(inner)), digestOf(expected), name)
      read++
    }
    t.log(`${read} archives`)
    t.true(read > 10)
  },
)
