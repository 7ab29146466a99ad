import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, createGunzip, deflateRawSync, gunzipSync, inflateRawSync } from 'node:zlib'
import test from 'ava'
import type { ByteStream } from '../../src/bytes/byte-stream.js'
import { collect } from '../../src/bytes/collect.js'
import { type CompressOptions, compress, compressFile } from '../../src/bytes/compress.js'
import { combineCrc32 } from '../../src/bytes/crc32-combine.js'
import { decompress } from '../../src/bytes/decompress.js'
import { inOrder } from '../../src/bytes/in-order.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { pieces } from '../../src/bytes/pieces.js'
import { randomFrom } from '../helpers/generate.js'
import { has } from '../helpers/programs.js'

const mebibyte = 1 << 20

/** Words that repeat, near and far, with noise between them: matches across every border of a block. */
const content = (length: number): Buffer => {
  const random = randomFrom(length)
  const words = Array.from({ length: 200 }, (_, index) => `word-${index}-${Math.floor(random() * 1e9)} `)
  const parts: Buffer[] = []
  for (let made = 0; made < length; ) {
    const part =
      random() < 0.1
        ? Buffer.from(Array.from({ length: 50 }, () => Math.floor(random() * 256)))
        : Buffer.from(words[Math.floor(random() * words.length)]!)
    parts.push(part)
    made += part.length
  }
  return Buffer.concat(parts).subarray(0, length)
}

async function* stream(bytes: Uint8Array, length: number): ByteStream {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

/** What the stream contract allows: one buffer, filled anew for each chunk. */
async function* reusing(bytes: Uint8Array, length: number): ByteStream {
  const buffer = Buffer.alloc(length)
  for (let at = 0; at < bytes.length; at += length) {
    const chunk = bytes.subarray(at, at + length)
    buffer.set(chunk)
    yield buffer.subarray(0, chunk.length)
  }
}

const all = (bytes: ByteStream) => collect(bytes, { max: 1 << 28, what: 'test' })
const made = (bytes: Uint8Array, options: CompressOptions, chunk = 65536) =>
  all(compress(stream(bytes, chunk), options))

const large = content(3 * mebibyte + 12_345)
const lengths = [0, 1, 70_000, mebibyte - 1, mebibyte, mebibyte + 1, 2 * mebibyte, large.length]

test('compress: gzip of every length is one member with the right CRC and length', async t => {
  for (const length of lengths) {
    const bytes = large.subarray(0, length)
    const gzip = await made(bytes, { algorithm: 'gzip' })
    t.deepEqual([...gzip.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
    t.is(gzip.readUInt32LE(gzip.length - 8), crc32(bytes), `${length}`)
    t.is(gzip.readUInt32LE(gzip.length - 4), length)
    // A single raw stream from header to trailer: a second member would be bytes behind its end.
    const inner = gzip.subarray(10, -8)
    const { buffer, engine } = inflateRawSync(inner, { info: true }) as unknown as {
      buffer: Buffer
      engine: { bytesWritten: number }
    }
    t.true(buffer.equals(bytes), `${length}`)
    t.is(engine.bytesWritten, inner.length, `${length}`)
  }
})

for (const [program, args] of [
  ['gzip', ['-d', '-c']],
  ['pigz', ['-d', '-c']],
  ['zcat', []],
] as const) {
  const missing = !has(program)
  ;(missing ? test.skip : test)(
    `compress: ${program} reads its gzip${missing ? ` [skipped: ${program} is not installed]` : ''}`,
    async t => {
      for (const length of lengths) {
        const input = await made(large.subarray(0, length), { algorithm: 'gzip' })
        const { status, stdout, stderr } = spawnSync(program, args, { input, maxBuffer: 1 << 28 })
        t.is(status, 0, stderr.toString())
        t.true(stdout.equals(large.subarray(0, length)), `${length}`)
      }
    },
  )
}

test('compress: the output depends on neither the chunks of the input nor on what else runs', async t => {
  for (const options of [
    { algorithm: 'gzip' },
    { algorithm: 'gzip', level: 0 },
    { algorithm: 'zstd' },
  ] as const) {
    const once = await made(large, options, large.length)
    const again = await Promise.all([
      made(large, options, 1000),
      made(large, options, mebibyte + 1),
      all(compress(reusing(large, 3 * 65536 + 1), options)),
    ])
    for (const other of again) t.true(other.equals(once), JSON.stringify(options))
  }
})

test('compress: every level is read back, and none is there below or above', async t => {
  const bytes = large.subarray(0, mebibyte + 50_000)
  for (let level = 0; level <= 9; level++)
    t.true(gunzipSync(await made(bytes, { algorithm: 'gzip', level })).equals(bytes), `${level}`)
  for (const level of [1, 19]) {
    const input = stream(await made(bytes, { algorithm: 'zstd', level }), 65536)
    t.true((await all((await decompress(input, { what: 'test' })).stream)).equals(bytes), `${level}`)
  }
  for (const options of [
    { algorithm: 'gzip', level: -1 },
    { algorithm: 'gzip', level: 10 },
    { algorithm: 'gzip', level: 1.5 },
    { algorithm: 'zstd', level: 0 },
    { algorithm: 'zstd', level: 20 },
  ] as const)
    t.throws(() => compress(stream(bytes, 1000), options), { code: 'USAGE' })
})

test('compress: blocks refer back into one another, so gzip is hardly larger than made in one go', async t => {
  // Half of this is only found in the block before.
  const noise = Buffer.from(Array.from({ length: 30_000 }, (_, index) => (index * index * 7919) >> 8))
  const bytes = Buffer.concat([Buffer.alloc(mebibyte - noise.length), noise, noise])
  const whole = deflateRawSync(bytes).length
  t.true((await made(bytes, { algorithm: 'gzip' })).length < whole * 1.05)
  // Level 6 takes half the time of zlib's and finds less; from 7 on nothing is left out.
  t.true((await made(large, { algorithm: 'gzip' })).length < deflateRawSync(large).length * 1.1)
  t.true((await made(large, { algorithm: 'gzip', level: 7 })).length < deflateRawSync(large).length * 1.01)
})

test('compress: zstd of every length is read back', async t => {
  const bytes = content(9 * mebibyte)
  for (const length of [0, 1, 70_000, 4 * mebibyte, 4 * mebibyte + 1, bytes.length]) {
    const zstd = await made(bytes.subarray(0, length), { algorithm: 'zstd' })
    const { stream: inner } = await decompress(stream(zstd, 65536), { what: 'test' })
    t.true((await all(inner)).equals(bytes.subarray(0, length)), `${length}`)
  }
})

for (const algorithm of ['gzip', 'zstd'] as const) {
  test(`compress: ${algorithm} throws what its source throws, and gives the source back`, async t => {
    let closed = 0
    async function* failing(length: number): ByteStream {
      try {
        for (let done = 0; done < length; done += mebibyte) yield large.subarray(0, mebibyte)
        throw new TypeError('The source is broken')
      } finally {
        closed++
      }
    }
    for (const length of [0, mebibyte, 20 * mebibyte])
      await t.throwsAsync(all(compress(failing(length), { algorithm })), { message: 'The source is broken' })
    t.is(closed, 3)
  })

  test(`compress: a reader of ${algorithm} that stops early gives the source back, and was not far behind`, async t => {
    let given = 0
    let closed = false
    async function* endless(): ByteStream {
      try {
        for (;;) {
          given += mebibyte
          yield large.subarray(0, mebibyte)
        }
      } finally {
        closed = true
      }
    }
    let chunks = 0
    for await (const _ of compress(endless(), { algorithm })) if (++chunks === 2) break
    t.true(closed)
    t.true(given < 600 * mebibyte)
  })
}

test('compress: the first bytes come before the source has ended', async t => {
  const gunzip = createGunzip()
  let inflated = 0
  gunzip.on('data', (chunk: Buffer) => {
    inflated += chunk.length
  })
  let open = true
  async function* slow(): ByteStream {
    for (let block = 0; open && block < 1000; block++) yield large.subarray(0, mebibyte)
  }
  for await (const chunk of compress(slow(), { algorithm: 'gzip', level: 1 })) {
    gunzip.write(chunk)
    if (inflated > 0) open = false
  }
  t.true(inflated > 0)
})

test('pieces: of one length whatever the chunks, the rest last', async t => {
  for (const chunk of [1, 7, 10, 64]) {
    const found: number[] = []
    for await (const piece of pieces(stream(large.subarray(0, 25), chunk), 10)) found.push(piece.length)
    t.deepEqual(found, [10, 10, 5])
  }
  for await (const _ of pieces(stream(large.subarray(0, 0), 5), 10)) t.fail()
})

test('inOrder: results in the order of the pieces, no more begun than allowed', async t => {
  let running = 0
  let most = 0
  async function* numbers() {
    for (let number = 0; number < 20; number++) yield number
  }
  const results: number[] = []
  const work = async (number: number) => {
    most = Math.max(most, ++running)
    await new Promise(resolve => setTimeout(resolve, (number * 7) % 5))
    running--
    return number
  }
  for await (const result of inOrder(numbers(), 3, work)) results.push(result)
  t.deepEqual(results, [...Array(20).keys()])
  t.is(most, 3)
})

test('inOrder: an error is thrown in its turn, when nothing runs any more', async t => {
  let running = 0
  async function* numbers() {
    for (let number = 0; ; number++) yield number
  }
  const work = async (number: number) => {
    running++
    await new Promise(resolve => setTimeout(resolve, number === 2 ? 0 : 10))
    running--
    if (number === 2) throw new RangeError('Two')
    return number
  }
  const results: number[] = []
  await t.throwsAsync(
    async () => {
      for await (const result of inOrder(numbers(), 4, work)) results.push(result)
    },
    { instanceOf: RangeError },
  )
  t.deepEqual(results, [0, 1])
  t.is(running, 0)
})

test('combineCrc32: that of two pieces is that of their whole', t => {
  for (const [a, b] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [5, 70_000],
    [1 << 20, (1 << 20) + 1],
  ] as const) {
    const whole = randomBytes(a + b)
    t.is(combineCrc32(crc32(whole.subarray(0, a)), crc32(whole.subarray(a)), b), crc32(whole), `${a} ${b}`)
  }
})

test('compressFile: the same bytes as of a stream, and the CRC of what was read', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'compress-'))
  const bytes = Buffer.concat([randomBytes(1 << 20), Buffer.alloc(1 << 20, 'abc'), randomBytes(4321)])
  writeFileSync(join(folder, 'content'), Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]))
  const file = { fd: openSync(join(folder, 'content'), 'r'), offset: 6, length: bytes.length }
  const found: number[] = []
  const inFile = compressFile(file, 6, crc => found.push(crc))
  const inStream = compress(memorySource(bytes).stream(), { algorithm: 'gzip', level: 6 })
  const limit = { max: 1 << 30, what: 'it' }
  t.true((await collect(inFile, limit)).equals(await collect(inStream, limit)))
  t.deepEqual(found, [crc32(bytes)])
  rmSync(folder, { recursive: true })
})
