import { randomBytes } from 'node:crypto'
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { digestOf } from '../../src/bytes/hasher.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { measureLayer } from '../../src/layer/measure.js'
import { measureRegion } from '../../src/layer/measure-region.js'
import { encodeToc } from '../../src/layer/toc-file.js'
import { encodeEntry, endOfArchive, padding } from '../../src/tar/write.js'

const folder = mkdtempSync(join(tmpdir(), 'measure-'))
test.after.always(() => rmSync(folder, { recursive: true }))

const tarOf = (files: number, size: number): Buffer =>
  Buffer.concat([
    ...Array.from({ length: files }, (_, index) => [
      encodeEntry({ path: Buffer.from(`file-${index}`), type: 'file', size }),
      randomBytes(size),
      padding(size),
    ]).flat(),
    endOfArchive,
  ])

const cases: Readonly<Record<string, () => Buffer>> = {
  'a few bytes that are no tar': () => Buffer.from('no tar'),
  'a small tar': () => tarOf(3, 100),
  'a small tar, gzip': () => gzipSync(tarOf(3, 100)),
  'a tar that is worth a thread': () => tarOf(90, 120_001),
  'the same, gzip': () => gzipSync(tarOf(90, 120_001), { level: 1 }),
  'a tar that is worth two threads': () => tarOf(70, 1_000_003),
}

for (const [name, make] of Object.entries(cases))
  test(`measureRegion tells what measureLayer tells: ${name}`, async t => {
    const bytes = make()
    const path = join(folder, name.replaceAll(' ', '-'))
    writeFileSync(path, Buffer.concat([Buffer.from('before'), bytes, Buffer.from('behind')]))
    const file = { fd: openSync(path, 'r'), offset: 6, length: bytes.length }
    const { toc, ...wanted } = await measureLayer(memorySource(bytes).stream(), 'it')
    for (const alone of [false, true]) {
      const output = openSync(`${path}-${alone}`, 'wx+')
      let passed = 0
      const onBytes = (count: number) => {
        passed += count
      }
      const { toc: found, ...measured } = await measureRegion(
        { file, what: 'it', output },
        { alone, onBytes },
      )
      t.deepEqual(measured, wanted)
      t.deepEqual(encodeToc(found), encodeToc(toc))
      t.is(passed, bytes.length)
      t.is(digestOf(readFileSync(`${path}-${alone}`)), measured.digest)
    }
  })

test('measureRegion: a file that is shorter than was said, in one thread, in two, in none', async t => {
  const path = join(folder, 'short')
  writeFileSync(path, tarOf(80, 1_000_003))
  const fd = openSync(path, 'r')
  const { length } = readFileSync(path)
  for (const [alone, offset, size] of [
    [false, 0, length + 1],
    [true, 0, length + 1],
    [true, length - 1024, 2048],
  ] as const) {
    const output = openSync(`${path}-${size}-${alone}`, 'wx+')
    await t.throwsAsync(
      measureRegion({ file: { fd, offset, length: size }, what: 'it', output }, { alone }),
      {
        code: 'TRUNCATED',
      },
    )
  }
})
