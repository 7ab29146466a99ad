/** Compressed data made to hurt, and files that are none: each of these once hung, ate memory or passed unseen. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test, { type ExecutionContext } from 'ava'
import type { ByteStream } from '../../src/bytes/byte-stream.js'
import { collect } from '../../src/bytes/collect.js'
import { compress } from '../../src/bytes/compress.js'
import { decompress, decompressOnce } from '../../src/bytes/decompress.js'
import { openFile } from '../../src/bytes/file-source.js'
import { digestOf } from '../../src/bytes/hasher.js'
import { inflatedSource } from '../../src/bytes/inflated-source.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { OpenFiles } from '../../src/bytes/open-files.js'
import { peek } from '../../src/bytes/peek.js'
import { openSpoolFile } from '../../src/bytes/spool-file.js'
import { verified } from '../../src/bytes/verified.js'
import { LadingError } from '../../src/spec/errors.js'
import { has } from '../helpers/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'hostile-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

interface Watch {
  read: number
  closed: boolean
}
async function* stream(bytes: Uint8Array, length = 7000, watch?: Watch): ByteStream {
  try {
    for (let at = 0; at < bytes.length; at += length) {
      const chunk = bytes.subarray(at, at + length)
      if (watch) watch.read += chunk.length
      yield chunk
    }
  } finally {
    if (watch) watch.closed = true
  }
}
const all = (bytes: ByteStream) => collect(bytes, { max: 1 << 28, what: 'test' })
const inflate = async (bytes: Uint8Array, chunk?: number, watch?: Watch) =>
  all((await decompress(stream(bytes, chunk, watch), { what: 'test' })).stream)
const failure = async (work: Promise<unknown>): Promise<LadingError> => {
  const outcome = await work.then(
    () => undefined,
    error => error,
  )
  if (outcome instanceof LadingError) return outcome
  throw outcome ?? new Error('nothing was thrown')
}
const by = (program: string, args: readonly string[], input: Uint8Array): Buffer =>
  spawnSync(program, args, { input, maxBuffer: 1 << 28 }).stdout
/** A test of what only `program` can make. */
const testWith =
  (program: string): ((title: string, body: (t: ExecutionContext) => Promise<void>) => void) =>
  (title, body) =>
    has(program) ? test(title, body) : test.skip(`${title} [skipped: ${program} is not installed]`, body)

const text = Buffer.from(Array.from({ length: 9000 }, (_, index) => `${(index * 7919) % 1009}\n`).join(''))

test('decompress: gzip with megabytes of zeros behind it is read to its end, so that who hashes it sees it all', async t => {
  const blob = Buffer.concat([gzipSync(text), Buffer.alloc(5 << 20)])
  for (const chunk of [7000, 1 << 20]) {
    const watch = { read: 0, closed: false }
    t.true((await inflate(blob, chunk, watch)).equals(text))
    t.deepEqual(watch, { read: blob.length, closed: true })
  }
  const wanted = { digest: digestOf(text), size: blob.length }
  const whole = async (compressed: ByteStream) => all((await decompress(compressed, { what: 'blob' })).stream)
  t.is((await failure(whole(verified(stream(blob), wanted, 'blob')))).code, 'DIGEST_MISMATCH')
})

test('decompress: what hides behind zeros behind gzip is an error, also another member', async t => {
  const gzip = gzipSync(text)
  for (const hidden of [gzip, Buffer.from('x')])
    for (const zeros of [1, 600, 100_000])
      for (const chunk of [gzip.length, gzip.length + zeros, 997, 1 << 20])
        t.is(
          (await failure(inflate(Buffer.concat([gzip, Buffer.alloc(zeros), hidden]), chunk))).code,
          'BAD_COMPRESSION',
        )
})

testWith('bzip2')(
  'decompress: a bzip2 bomb stops at the limit, before it is in memory (CVE-2026-59873)',
  async t => {
    const bomb = by('bzip2', ['-c'], Buffer.alloc(250 << 20))
    t.true(bomb.length < 400)
    const before = process.resourceUsage().maxRSS
    const { stream: inner } = await decompressOnce(stream(bomb), { what: 'bomb', maxBytes: 1 << 20 })
    t.is((await failure(all(inner))).code, 'LIMIT_EXCEEDED')
    t.true(process.resourceUsage().maxRSS - before < 200_000)
  },
)

testWith('xz')(
  'decompress: xz inside xz, and two xz streams side by side, do not wait for each other',
  async t => {
    const long = Buffer.from(Array.from({ length: 1 << 19 }, (_, index) => (index * index * 31) >> 7))
    const xz = by('xz', ['-0', '-c'], long)
    t.true((await inflate(by('xz', ['-0', '-c'], xz))).equals(long))
    const { stream: first } = await decompress(stream(xz), { what: 'first' })
    const reading = first[Symbol.asyncIterator]()
    await reading.next()
    t.true((await inflate(xz)).equals(long))
    await reading.return?.()
  },
)

testWith('xz')(
  'decompress: xz says what it cannot do: a huge dictionary, a check or a filter it does not know',
  async t => {
    const make = (...args: string[]) => inflate(by('xz', ['-c', ...args], text))
    t.is((await failure(make('--lzma2=dict=1GiB'))).code, 'LIMIT_EXCEEDED')
    t.is((await failure(make('--check=sha256'))).code, 'UNSUPPORTED')
    t.is((await failure(make('--x86', '--lzma2'))).code, 'UNSUPPORTED')
  },
)

test('decompress: changed zstd is a LadingError or content, never another error', async t => {
  const whole = await all(compress(stream(text), { algorithm: 'zstd', level: 19 }))
  let refused = 0
  for (let at = 4; at < whole.length; at += Math.ceil(whole.length / 400)) {
    const changed = Buffer.from(whole)
    changed[at]! ^= 0x55
    const outcome = await inflate(changed).catch(error => error)
    if (Buffer.isBuffer(outcome)) continue
    t.true(outcome instanceof LadingError, String(outcome))
    refused++
  }
  t.true(refused > 0)
})

test('decompress: zstd that wants a dictionary, sets the reserved bit or has a block above 128 KiB is refused', async t => {
  const error = async (hex: string) => (await failure(inflate(Buffer.from(hex, 'hex')))).code
  t.is(await error('28b52ffd2107031900006162630000'), 'UNSUPPORTED')
  t.is(await error('28b52ffd2803190000616263'), 'BAD_COMPRESSION')
  t.is(await error('28b52ffd0058faffff00010000'), 'BAD_COMPRESSION')
})

test('decompress: zstd cut inside the magic of its second frame is TRUNCATED', async t => {
  const frame = await all(compress(stream(text), { algorithm: 'zstd' }))
  t.is((await failure(inflate(Buffer.concat([frame, frame.subarray(0, 2)])))).code, 'TRUNCATED')
})

test('decompress: zstd of thousands of small frames with large windows, as zstd:chunked has it, takes no minutes', async t => {
  // No single segment, a window of 8 MiB, one raw block of 3 bytes.
  const frame = Buffer.from('28b52ffd0068190000616263', 'hex')
  const started = performance.now()
  t.is((await inflate(Buffer.concat(Array(10_000).fill(frame)), 1 << 20)).length, 30_000)
  t.true(performance.now() - started < 10_000)
})

test('decompress and peek: a stream that is refused or never begun is given back', async t => {
  let deep: Buffer = text
  for (let depth = 0; depth < 5; depth++) deep = gzipSync(deep)
  const refused = { read: 0, closed: false }
  t.is((await failure(inflate(deep, 10, refused))).code, 'LIMIT_EXCEEDED')
  await new Promise(resolve => setTimeout(resolve, 50))
  t.true(refused.closed)
  const peeked = { read: 0, closed: false }
  await (await peek(stream(text, 100, peeked), 10)).stream[Symbol.asyncIterator]().return?.()
  t.deepEqual(peeked, { read: 100, closed: true })
})

test('inflatedSource: what inflates to less than it should is TRUNCATED', async t => {
  const source = inflatedSource(memorySource(gzipSync(text)), text.length + 10, 'test')
  t.is((await failure(all(source.stream()))).code, 'TRUNCATED')
  t.is((await failure(source.read({ offset: text.length - 5, length: 10 }))).code, 'TRUNCATED')
})

test('openSpoolFile: what a failed append has left is in nothing that is read back', async t => {
  await using spool = await openSpoolFile()
  async function* breaks(): ByteStream {
    yield Buffer.from('half a layer')
    throw new LadingError('TRUNCATED', 'Ends')
  }
  await failure(spool.append(breaks()))
  t.true((await all((await spool.append(stream(text))).stream())).equals(text))
})

test('compress: gzip at level 0 is the same however the bytes arrive', async t => {
  const made = (chunk: number) => all(compress(stream(text, chunk), { algorithm: 'gzip', level: 0 }))
  t.true((await made(333)).equals(await made(1 << 20)))
})

testWith('mkfifo')(
  'openFile and OpenFiles: a FIFO is named at once, not waited for (also a folder)',
  async t => {
    const fifo = join(folder, 'fifo')
    spawnSync('mkfifo', [fifo])
    mkdirSync(join(folder, 'folder'))
    using files = new OpenFiles()
    for (const path of [fifo, join(folder, 'folder')]) {
      t.is((await failure(openFile(path))).code, 'UNSUPPORTED')
      t.throws(() => files.whole(path), { instanceOf: LadingError, code: 'UNSUPPORTED' })
    }
  },
)
