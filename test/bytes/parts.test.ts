import { randomBytes } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import fc from 'fast-check'
import { assemble } from '../../src/bytes/assemble.js'
import { checkRegion } from '../../src/bytes/check-region.js'
import { collect } from '../../src/bytes/collect.js'
import { hashBehind, Track } from '../../src/bytes/hash-behind.js'
import { digestOf } from '../../src/bytes/hasher.js'
import { inflateRegion } from '../../src/bytes/inflate-region.js'
import { type FilePart, type Part, streamParts } from '../../src/bytes/parts.js'
import { sideBySide } from '../../src/bytes/side-by-side.js'
import { inThread, worthAThread } from '../../src/bytes/threads.js'
import { writeParts } from '../../src/bytes/write-parts.js'

const folder = mkdtempSync(join(tmpdir(), 'parts-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const content = randomBytes(24 << 20)
writeFileSync(join(folder, 'content'), content)
const fd = openSync(join(folder, 'content'), 'r')
let outputs = 0
const output = () => {
  const path = join(folder, `output-${outputs++}`)
  return { fd: openSync(path, 'wx+'), read: () => readFileSync(path) }
}
const region = (offset: number, length: number) => ({ fd, offset, length })
const quiet = { advance: () => {}, check: () => {} }

/** Literals, stretches one after the other with small gaps (as files of a layer lie), and stretches anywhere. */
const anyParts = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 700 }),
      fc.record({ gap: fc.nat(3000), length: fc.nat(4000) }),
      fc.record({ offset: fc.nat(2 << 20), length: fc.nat(1_500_000) }),
    ),
    { maxLength: 40 },
  )
  .map(items => {
    let at = 0
    return items.map((item): Uint8Array | FilePart => {
      if (item instanceof Uint8Array) return item
      const offset = 'gap' in item ? at + item.gap : item.offset
      at = offset + item.length
      return region(offset, item.length)
    })
  })
const bytesOf = (parts: readonly (Uint8Array | FilePart)[]): Buffer =>
  Buffer.concat(
    parts.map(part =>
      part instanceof Uint8Array ? part : content.subarray(part.offset, part.offset + part.length),
    ),
  )

test('streamParts, writeParts and assemble give the same bytes, those of the parts in their order', async t => {
  await fc.assert(
    fc.asyncProperty(anyParts, async parts => {
      const wanted = bytesOf(parts)
      t.true((await collect(streamParts(parts), { max: 1 << 30, what: 'parts' })).equals(wanted))
      const written = output()
      t.is(await writeParts(written.fd, parts), wanted.length)
      t.true(written.read().equals(wanted))
      const literals = Buffer.concat(parts.filter(part => part instanceof Uint8Array))
      let at = 0
      const table = Float64Array.from(
        parts.flatMap(part => {
          if (!(part instanceof Uint8Array)) return [part.fd, part.offset, part.length]
          at += part.length
          return [-1, at - part.length, part.length]
        }),
      )
      const assembled = output()
      assemble({ table, literals, output: { fd: assembled.fd, offset: 0 } }, quiet)
      t.true(assembled.read().equals(wanted))
      closeSync(written.fd)
      closeSync(assembled.fd)
    }),
    { numRuns: 30 },
  )
})

test('streamParts and writeParts: a part may be a stream, and parts may come one by one', async t => {
  async function* pieces() {
    yield content.subarray(0, 1000)
    yield content.subarray(1000, 2 << 20)
  }
  async function* parts(): AsyncIterable<Part> {
    yield Buffer.from('head')
    yield { length: 2 << 20, stream: pieces() }
    yield region(0, 9 << 20)
  }
  const wanted = Buffer.concat([
    Buffer.from('head'),
    content.subarray(0, 2 << 20),
    content.subarray(0, 9 << 20),
  ])
  t.true((await collect(streamParts(parts()), { max: 1 << 30, what: 'parts' })).equals(wanted))
  const written = output()
  t.is(await writeParts(written.fd, parts()), wanted.length)
  t.true(written.read().equals(wanted))
})

test('writeParts: what threads copy and check is where it belongs; wrong bytes are an error', async t => {
  const half = 12 << 20
  const part = (offset: number, digest = digestOf(content.subarray(offset, offset + half))): FilePart => ({
    ...region(offset, half),
    check: { wanted: { digest, size: half }, what: 'a half' },
  })
  const written = output()
  const head = Buffer.from('head')
  await writeParts(written.fd, [head, part(0), region(100, 20 << 20), part(half), head])
  const wanted = bytesOf([head, region(0, half), region(100, 20 << 20), region(half, half), head])
  t.true(written.read().equals(wanted))
  const shared = (given: FilePart): FilePart => ({ ...given, check: { ...given.check!, shared: true } })
  const together = output()
  await writeParts(together.fd, [head, shared(part(0)), part(half)])
  t.true(together.read().equals(Buffer.concat([head, content])))
  await t.throwsAsync(writeParts(output().fd, [shared(part(half, digestOf(head)))]), {
    code: 'DIGEST_MISMATCH',
  })
  const error = await t.throwsAsync(writeParts(output().fd, [part(0), part(half, digestOf(head))]))
  t.like(error, { code: 'DIGEST_MISMATCH' })
  t.regex(error.message, /^Wrong content in a half: found sha256:[0-9a-f]{64}, wanted sha256:[0-9a-f]{64}$/)
})

test('checkRegion: small and large, sha256 and sha512, a file that is shorter than was said', async t => {
  for (const length of [1000, worthAThread + 1])
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const digest = digestOf(content.subarray(7, 7 + length), algorithm)
      const check = { file: region(7, length), wanted: { digest, size: length }, what: 'it' }
      await checkRegion(check)
      await t.throwsAsync(checkRegion({ ...check, wanted: { digest, size: length + 1 } }), {
        code: 'SIZE_MISMATCH',
      })
      const file = region(content.length - 10, length)
      await t.throwsAsync(checkRegion({ ...check, file }), { code: 'TRUNCATED' })
    }
})

test('hashBehind: the digest is of what was written, however far behind', async t => {
  const { fd: copy } = output()
  const track = new Track().memory
  const algorithm = 'sha256'
  const hashing = hashBehind({ fd: copy, offset: 0, length: content.length, track, algorithm }, {})
  await writeParts(copy, [content.subarray(0, 5 << 20)])
  new Track(track).reach(5 << 20)
  await writeParts(copy, [content])
  new Track(track).reach(content.length)
  t.is(await hashing, digestOf(content))
})

test('inflateRegion: both digests are checked', async t => {
  const packed = gzipSync(content.subarray(0, 1 << 20))
  const path = join(folder, 'packed')
  writeFileSync(path, packed)
  const packedFd = openSync(path, 'r')
  const written = output()
  const inflation = {
    file: { fd: packedFd, offset: 0, length: packed.length },
    wanted: { digest: digestOf(packed), size: packed.length },
    diffId: digestOf(content.subarray(0, 1 << 20)),
    ...{ what: 'layer 1 of 1', output: written.fd },
  }
  t.is(await inflateRegion(inflation), 1 << 20)
  t.true(written.read().equals(content.subarray(0, 1 << 20)))
  const wrong = digestOf(content)
  await t.throwsAsync(inflateRegion({ ...inflation, diffId: wrong }), { code: 'DIGEST_MISMATCH' })
  await t.throwsAsync(inflateRegion({ ...inflation, wanted: { digest: wrong, size: packed.length } }), {
    code: 'DIGEST_MISMATCH',
  })
})

test('sideBySide: results in order, and when one fails no more are begun', async t => {
  t.deepEqual(await sideBySide([3, 1, 2], async item => item * 2), [6, 2, 4])
  const begun: number[] = []
  const items = Array.from({ length: 1000 }, (_, index) => index)
  const job = new URL('../helpers/counting-job.js', import.meta.url)
  const error = await t.throwsAsync(
    sideBySide(items, async (item, stop) => {
      begun.push(item)
      await inThread(job, item === 1 ? { fail: 'BAD_TAR' } : { endless: true }, { stop })
    }),
  )
  t.like(error, { code: 'BAD_TAR' })
  t.true(begun.length < 100, `${begun.length}`)
})
