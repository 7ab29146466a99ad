import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import type { ByteStream } from '../../src/bytes/byte-stream.js'
import { collect } from '../../src/bytes/collect.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { LadingError } from '../../src/spec/errors.js'
import type { TarEntry } from '../../src/tar/entry.js'
import { normalizePath } from '../../src/tar/names.js'
import { readTarStream } from '../../src/tar/read-stream.js'
import { scanSource } from '../../src/tar/scan-source.js'
import { TarScanner } from '../../src/tar/scan-stream.js'
import {
  encodeEntry,
  encodePax,
  endOfArchive,
  padding,
  paxRecord,
  type WritableEntry,
} from '../../src/tar/write.js'

const folder = mkdtempSync(join(tmpdir(), 'tar-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

/** A header block written by hand, so that any field can be wrong. */
const header = (fields: {
  name?: string
  size?: string | number
  flag?: string
  mode?: string
  magic?: string
  link?: string
  sum?: string
  raw?: (block: Buffer) => void
}): Buffer => {
  const block = Buffer.alloc(512)
  const { size = 0 } = fields
  block.write(fields.name ?? 'file', 0, 'latin1')
  block.write(fields.mode ?? '0000644\0', 100)
  block.write('0000000\x000000000\0', 108)
  block.write(typeof size === 'number' ? `${size.toString(8).padStart(11, '0')}\0` : size, 124, 'latin1')
  block.write('00000000000\0', 136)
  block.write(fields.flag ?? '0', 156, 'latin1')
  block.write(fields.link ?? '', 157, 'latin1')
  block.write(fields.magic ?? 'ustar\x0000', 257, 'latin1')
  fields.raw?.(block)
  block.write('        ', 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(fields.sum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
const body = (text: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from(text), padding(Buffer.byteLength(text))])
const pax = (...records: readonly (readonly [string, string | Buffer])[]): Buffer =>
  encodePax('x', Buffer.concat(records.map(([key, value]) => paxRecord(key, Buffer.from(value)))))
const tar = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, endOfArchive])

const scan = (bytes: Buffer, chunk = bytes.length || 1): TarEntry[] => {
  const entries: TarEntry[] = []
  const scanner = new TarScanner({ entry: entry => entries.push(entry) })
  for (let at = 0; at < bytes.length; at += chunk) scanner.push(bytes.subarray(at, at + chunk))
  scanner.end()
  return entries
}
const outcome = (bytes: Buffer): string => {
  try {
    return scan(bytes)
      .map(entry => entry.path.toString('latin1'))
      .join()
  } catch (error) {
    if (error instanceof LadingError) return error.code
    throw error
  }
}
async function* stream(bytes: Buffer, length: number): ByteStream {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
}

test('readTar: hostile and broken headers, each with what becomes of it', t => {
  const file = [header({ name: 'after' })]
  const cases: readonly (readonly [title: string, bytes: Buffer, wanted: string])[] = [
    ['an ordinary file', tar(header({ size: 3 }), body('abc'), ...file), 'file,after'],
    ['no end blocks', Buffer.concat([header({ size: 3 }), body('abc')]), 'file'],
    ['content without its padding', Buffer.concat([header({ size: 3 }), Buffer.from('abc')]), 'file'],
    ['content cut short', Buffer.concat([header({ size: 3 }), Buffer.from('ab')]), 'TRUNCATED'],
    ['a header cut short', header({}).subarray(0, 300), 'TRUNCATED'],
    ['nothing at all', Buffer.alloc(0), ''],
    ['a wrong checksum', tar(header({ sum: '0000000\0' })), 'BAD_TAR'],
    ['a checksum of signed bytes', tar(header({ name: 'x\xe4', sum: signedSum('x\xe4') })), 'x\xe4'],
    ['a size that is no number', tar(header({ size: '12x45678901\0' })), 'BAD_TAR'],
    ['a size of -17', tar(header({ size: '-0000000021\0' })), 'BAD_TAR'],
    [
      'CVE-2026-59874: a negative size in base 256',
      tar(header({ raw: block => block.fill(0xff, 124, 136) })),
      'BAD_TAR',
    ],
    [
      'a size beyond 2^53',
      tar(header({ raw: block => block.fill(0x7f, 124, 136).writeUInt8(0x80, 124) })),
      'BAD_TAR',
    ],
    [
      'CVE-2025-62518: PAX gives the size, the header 0',
      tar(pax(['size', '512']), header({ size: 0 }), header({ name: 'hidden' }), ...file),
      'file,after',
    ],
    [
      'the header and PAX give two sizes',
      tar(pax(['size', '512']), header({ size: 1024 }), body('x'), ...file),
      'BAD_TAR',
    ],
    [
      'PAX before L speaks of the file, not of L',
      tar(
        pax(['path', 'by-pax'], ['size', '0']),
        header({ name: '././@LongLink', flag: 'L', size: 5 }),
        body('by-l\0'),
        header({}),
        ...file,
      ),
      'by-l,after',
    ],
    [
      'L before x',
      tar(header({ flag: 'L', size: 5 }), body('by-l\0'), pax(['mtime', '1']), header({}), ...file),
      'by-l,after',
    ],
    [
      'two x: the last counts',
      tar(pax(['path', 'one']), pax(['path', 'two']), header({}), ...file),
      'two,after',
    ],
    ["an empty PAX value takes the header's", tar(pax(['path', '']), header({}), ...file), 'file,after'],
    ['a global path', tar(encodePax('g', paxRecord('comment', Buffer.from('x'))), ...file), 'after'],
    ['a PAX record whose length lies', tar(encodePax('x', Buffer.from('99 path=x\n')), ...file), 'BAD_TAR'],
    ['a PAX record without an equals sign', tar(encodePax('x', Buffer.from('7 path\n')), ...file), 'BAD_TAR'],
    ['CVE-2026-59875: a NUL in a PAX path', tar(pax(['path', 'a\0b']), ...file), 'BAD_TAR'],
    [
      'CVE-2022-2879: a long name of 4 GiB',
      tar(header({ flag: 'L', size: '40000000000\0' })),
      'LIMIT_EXCEEDED',
    ],
    ['a PAX header at the end', tar(pax(['path', 'x'])), 'TRUNCATED'],
    [
      'a link that claims content',
      tar(header({ flag: '1', size: 512, link: 'target' }), ...file),
      'file,after',
    ],
    [
      'data behind a folder is no header',
      tar(header({ flag: '5', size: 3 }), body('abc'), ...file),
      'BAD_TAR',
    ],
    ['an empty name', tar(header({ name: '' })), 'BAD_TAR'],
    ['an unknown flag is a file', tar(header({ flag: '9', size: 3 }), body('abc'), ...file), 'file,after'],
    ['a volume label is no entry', tar(header({ flag: 'V' }), ...file), 'after'],
    ['a file from another volume', tar(header({ flag: 'M', size: 3 }), body('abc')), 'UNSUPPORTED'],
    [
      "GNU's dump of a folder has content",
      tar(header({ name: 'dir/', flag: 'D', size: 3, magic: 'ustar  \0' }), body('Yx\0'), ...file),
      'dir/,after',
    ],
    [
      'another archive behind the end',
      Buffer.concat([tar(...file), tar(header({ name: 'unseen' }))]),
      'after',
    ],
    [
      'CVE-2025-58183: a sparse map of endless regions',
      tar(
        pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '9']),
        header({ size: 512 }),
        body('99999999\n'),
      ),
      'LIMIT_EXCEEDED',
    ],
    [
      'sparse regions that overlap',
      tar(
        pax(['GNU.sparse.map', '0,5,3,5'], ['GNU.sparse.size', '100']),
        header({ size: 10 }),
        body('x'.repeat(10)),
      ),
      'BAD_TAR',
    ],
    [
      'sparse regions beyond the file',
      tar(
        pax(['GNU.sparse.map', '95,10'], ['GNU.sparse.size', '100']),
        header({ size: 10 }),
        body('x'.repeat(10)),
      ),
      'BAD_TAR',
    ],
    [
      'sparse regions that hold more than is stored',
      tar(
        pax(['GNU.sparse.map', '0,10'], ['GNU.sparse.size', '100']),
        header({ size: 9 }),
        body('x'.repeat(9)),
      ),
      'BAD_TAR',
    ],
  ]
  for (const [title, bytes, wanted] of cases) t.is(outcome(bytes), wanted, title)
})

function signedSum(name: string): string {
  const block = header({ name })
  const unsigned = Number.parseInt(block.toString('latin1', 148, 154), 8)
  return `${(unsigned - 256).toString(8).padStart(6, '0')}\0 `
}

test('readTar: every field of an entry, raw', t => {
  const binary = Buffer.from([0x00, 0x0a, 0x3d, 0xff])
  const [entry] = scan(
    tar(
      pax(
        ...([
          ['path', Buffer.from('n\xff\n', 'latin1')],
          ['uid', '4294967294'],
          ['mtime', '-1.25'],
          ['uname', 'ü'],
        ] as const),
        ...([
          ['SCHILY.xattr.user.a', binary],
          ['LIBARCHIVE.xattr.user.b%20', 'AAo9/w=='],
          ['SCHILY.xattr.user.empty', ''],
        ] as const),
      ),
      header({ flag: '3', raw: block => block.write('0000010\x000000200\0', 329) }),
    ),
  )
  t.deepEqual(entry!.path, Buffer.from('n\xff\n', 'latin1'))
  t.is(entry!.type, 'character-device')
  t.is(entry!.uid, 4294967294)
  t.deepEqual(entry!.mtime, { seconds: -2, nanos: 750_000_000 })
  t.deepEqual([entry!.devMajor, entry!.devMinor], [8, 128])
  t.is(entry!.headerOffset, 0)
  t.deepEqual(
    entry!.xattrs.map(({ name, value }) => [name.toString(), value]),
    [
      ['user.a', binary],
      ['user.empty', Buffer.alloc(0)],
      ['user.b ', binary],
    ],
  )
})

test('the three drivers agree, whatever the chunks', async t => {
  const entries: WritableEntry[] = Array.from({ length: 40 }, (_, index) => ({
    path: Buffer.from(`${'deep/'.repeat(index)}file-${index}`),
    type: 'file',
    size: index * 100,
    mtime: { seconds: index, nanos: index },
  }))
  const bytes = tar(
    ...entries.flatMap(entry => [encodeEntry(entry), Buffer.alloc(entry.size!, 'x'), padding(entry.size!)]),
  )
  const wanted = scan(bytes)
  t.is(wanted.length, 40)
  for (const chunk of [1, 511, 512, 1000, 70_000]) {
    t.deepEqual(scan(bytes, chunk), wanted, String(chunk))
    const streamed: TarEntry[] = []
    for await (const { entry, body } of readTarStream(stream(bytes, chunk))) {
      streamed.push(entry)
      if (entry.size % 300 === 0)
        t.is((await collect(body, { max: 1 << 20, what: 'body' })).length, entry.size)
    }
    t.deepEqual(streamed, wanted, String(chunk))
  }
  const found: TarEntry[] = []
  await scanSource(memorySource(bytes), { entry: entry => found.push(entry) })
  t.deepEqual(found, wanted)
})

test('readTar: any change of any bytes is an entry list or a LadingError, and the drivers agree on it', async t => {
  const good = tar(
    pax(['path', 'long'], ['SCHILY.xattr.user.x', 'y']),
    header({ size: 700 }),
    body('x'.repeat(700)),
    header({ name: 'dir/', flag: '5' }),
    header({ flag: 'L', size: 9 }),
    body('longname\0'),
    header({}),
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
      fc.nat(good.length),
      async (changes, cut) => {
        const bytes = Buffer.from(good.subarray(0, cut || good.length))
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
        const wanted = outcome(bytes)
        const streamed: string[] = []
        try {
          for await (const { entry } of readTarStream(stream(bytes, 333)))
            streamed.push(entry.path.toString('latin1'))
          t.is(streamed.join(), wanted)
        } catch (error) {
          t.is((error as LadingError).code, wanted as LadingError['code'])
        }
      },
    ),
    { numRuns: 1500 },
  )
})

const rawName = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map(bytes => Buffer.from(bytes.map(byte => byte || 1)))
const writable: fc.Arbitrary<WritableEntry> = fc.record({
  path: rawName.filter(path => path.at(-1) !== 0x2f),
  type: fc.constantFrom('file' as const, 'directory' as const, 'fifo' as const),
  mode: fc.nat(0o7777),
  uid: fc.nat(2 ** 32 - 1),
  gid: fc.nat(2 ** 31 - 1),
  uname: fc.uint8Array({ maxLength: 50 }).map(bytes => Buffer.from(bytes.map(byte => byte || 1))),
  mtime: fc.record({ seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), nanos: fc.nat(999_999_999) }),
  xattrs: fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('user.a', 'security.capability', 'user.ü').map(name => Buffer.from(name)),
      value: fc.uint8Array().map(value => Buffer.from(value)),
    }),
    { selector: ({ name }) => name.toString() },
  ),
})

test('encodeEntry: what it writes reads back equal', t => {
  fc.assert(
    fc.property(writable, entry => {
      const [read] = scan(tar(encodeEntry(entry)))
      for (const key of ['path', 'type', 'mode', 'uid', 'gid', 'uname', 'mtime', 'xattrs'] as const)
        t.deepEqual(read![key], entry[key]!, key)
    }),
  )
  const [large] = scan(Buffer.concat([encodeEntry({ path: Buffer.from('a'), type: 'file', size: 0 })]))
  t.is(large!.size, 0)
  t.is(outcome(encodeEntry({ path: Buffer.from('big'), type: 'file', size: 2 ** 40 })), 'TRUNCATED')
})

const python = spawnSync('python3', ['--version']).status === 0
;(python ? test : test.skip)(
  `encodeEntry: Python's tarfile and GNU tar read the same${python ? '' : ' [skipped: python3 is not installed]'}`,
  t => {
    const entries: WritableEntry[] = [
      {
        path: Buffer.from('plain'),
        type: 'file',
        mode: 0o4755,
        uid: 7,
        gid: 8,
        mtime: { seconds: 1_700_000_000, nanos: 0 },
      },
      {
        path: Buffer.from(`${'folder/'.repeat(25)}x`),
        type: 'file',
        mtime: { seconds: 5, nanos: 500_000_000 },
      },
      { path: Buffer.from('ü'.repeat(200)), type: 'directory', uid: 4_000_000_000 },
      { path: Buffer.from('link'), type: 'symlink', linkPath: Buffer.from('t'.repeat(150)) },
    ]
    const path = join(folder, 'written.tar')
    writeFileSync(path, tar(...entries.map(entry => encodeEntry(entry))))
    const script =
      'import tarfile,sys,json;print(json.dumps([[m.name,m.mode,m.uid,m.gid,m.mtime,m.linkname,m.type.decode()] for m in tarfile.open(sys.argv[1])]))'
    t.deepEqual(JSON.parse(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' })), [
      ['plain', 0o4755, 7, 8, 1_700_000_000, '', '0'],
      [`${'folder/'.repeat(25)}x`, 0o644, 0, 0, 5.5, '', '0'],
      ['ü'.repeat(200), 0o755, 4_000_000_000, 0, 0, '', '5'],
      ['link', 0o644, 0, 0, 0, 't'.repeat(150), '2'],
    ])
    t.is(execFileSync('tar', ['-tf', path], { encoding: 'utf8' }).split('\n').length - 1, 4)
  },
)

test('normalizePath: stays below the root, and refuses what no file system takes', t => {
  const cases: [string, string][] = [
    ['a/b', 'a/b'],
    ['./a//b/', 'a/b'],
    ['/abs', 'abs'],
    ['../../etc/passwd', 'etc/passwd'],
    ['a/../../b', 'b'],
    ['x/..', ''],
    ['.', ''],
    ['...', '...'],
    ['.hidden/..data', '.hidden/..data'],
  ]
  for (const [path, wanted] of cases) t.is(normalizePath(Buffer.from(path)).toString(), wanted, path)
  t.throws(() => normalizePath(Buffer.from('a\0b')), { code: 'BAD_TAR' })
  t.throws(() => normalizePath(Buffer.from('x'.repeat(256))), { code: 'LIMIT_EXCEEDED' })
  t.throws(() => normalizePath(Buffer.from('a/'.repeat(2000))), { code: 'LIMIT_EXCEEDED' })
  fc.assert(
    fc.property(rawName, path => {
      try {
        const once = normalizePath(path)
        return normalizePath(once).equals(once) && !once.toString('latin1').split('/').includes('..')
      } catch (error) {
        return error instanceof LadingError
      }
    }),
  )
})
