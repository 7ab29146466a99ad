import test from 'ava'
import fc from 'fast-check'
import { collect } from '../../src/bytes/collect.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { contentsIn, wholeContent } from '../../src/layer/content.js'
import type { PaxRecord } from '../../src/tar/entry.js'
import { TarScanner } from '../../src/tar/scan-stream.js'
import { encodePax, paxRecord } from '../../src/tar/write.js'
import { content, fixChecksum, globalPax, gnu, long, pax, rawHeader, scan, tar, v7 } from './raw-tar.js'

const only = (bytes: Buffer) => {
  const entries = scan(bytes)
  if (entries.length !== 1) throw new Error(`${entries.length} entries`)
  return entries[0]!
}
const base256 = (value: bigint, length: number): Buffer => {
  const bytes = Buffer.alloc(length)
  let rest = BigInt.asUintN(8 * length, value)
  for (let at = length - 1; at >= 0; at--, rest >>= 8n) bytes[at] = Number(rest & 0xffn)
  bytes[0]! |= 0x80
  return bytes
}

test('v7: no magic, so neither prefix nor names of owners', t => {
  const entry = only(tar(rawHeader({ magic: v7, prefix: 'pre', flag: '\0', at: { 265: 'user' } })))
  t.is(entry.path.toString(), 'file')
  t.is(entry.type, 'file')
  t.is(entry.uname.length, 0)
})

test('ustar: 155 bytes of prefix, 100 of name, no NUL between', t => {
  const entry = only(
    tar(rawHeader({ name: 'n'.repeat(100), prefix: 'p'.repeat(155), link: 'l'.repeat(100), flag: '2' })),
  )
  t.is(entry.path.toString(), `${'p'.repeat(155)}/${'n'.repeat(100)}`)
  t.is(entry.linkPath.toString(), 'l'.repeat(100))
})

test('star: the prefix ends where its times begin', t => {
  const at = { 476: '12345670123 12345670123 ', 508: 'tar\0' }
  t.is(only(tar(rawHeader({ prefix: 'p'.repeat(131), at }))).path.toString(), `${'p'.repeat(131)}/file`)
})

test('GNU: times stand where ustar has the prefix', t => {
  t.is(only(tar(rawHeader({ magic: gnu, prefix: '14000000000\x0014000000000\0' }))).path.toString(), 'file')
})

test('GNU: L and K, with and without a NUL at their end, of any length', t => {
  for (const length of [1, 100, 511, 512, 513, 4000]) {
    const name = 'n'.repeat(length)
    const entry = only(tar(long('k'.repeat(length), 'K'), long(name), rawHeader({ magic: gnu, flag: '2' })))
    t.is(entry.path.toString(), name)
    t.is(entry.linkPath.toString(), 'k'.repeat(length))
    t.is(entry.headerOffset, 0)
    const bare = tar(
      rawHeader({ flag: 'L', size: length, magic: gnu }),
      content(name),
      rawHeader({ magic: gnu }),
    )
    t.is(only(bare).path.toString(), name)
  }
})

test('readNumber: octal with spaces or NULs about it, and base 256 to the limits', t => {
  for (const [mtime, seconds] of [
    ['00000000017\0', 15],
    ['00000000017 ', 15],
    ['000000000017', 15],
    ['         17 ', 15],
    ['17\0\0\0\0\0\0\0\0\0\0', 15],
    ['\0'.repeat(12), 0],
    [' '.repeat(12), 0],
    [base256(-1n, 12), -1],
    [base256(-62135596800n, 12), -62135596800],
    [base256(2n ** 40n, 12), 2 ** 40],
    [base256(2n ** 53n - 1n, 12), Number.MAX_SAFE_INTEGER],
    [base256(1n - 2n ** 53n, 12), Number.MIN_SAFE_INTEGER],
  ] as const)
    t.is(only(tar(rawHeader({ mtime }))).mtime.seconds, seconds, JSON.stringify(mtime))
  t.is(only(tar(rawHeader({ uid: base256(4294967294n, 8) }))).uid, 4294967294)
  fc.assert(
    fc.property(fc.maxSafeInteger(), seconds => {
      t.is(only(tar(rawHeader({ mtime: base256(BigInt(seconds), 12) }))).mtime.seconds, seconds)
    }),
  )
})

test('readHeader: both checksums, of unsigned and of signed bytes', t => {
  const block = rawHeader({ name: '\xff\xfe\x80', at: { 265: '\xe4' } })
  t.is(only(tar(block)).path.toString('latin1'), '\xff\xfe\x80')
  const signed = Number.parseInt(block.toString('latin1', 148, 154), 8) - 4 * 256
  block.write(`${signed.toString(8).padStart(6, '0')}\0 `, 148)
  t.is(only(tar(block)).path.toString('latin1'), '\xff\xfe\x80')
  block.write(`${(signed + 1).toString(8).padStart(6, '0')}\0 `, 148)
  t.throws(() => scan(tar(block)), { code: 'BAD_TAR' })
})

test('readPaxTime: fractions of any length, either side of 1970', t => {
  for (const [text, seconds, nanos] of [
    ['0', 0, 0],
    ['1.5', 1, 500_000_000],
    ['1.', 1, 0],
    ['1.0000000019', 1, 1],
    ['-0.5', -1, 500_000_000],
    ['-1', -1, 0],
    ['-1.000000001', -2, 999_999_999],
    ['253402300800.123456789', 253402300800, 123_456_789],
  ] as const)
    t.deepEqual(only(tar(pax(['mtime', text]), rawHeader())).mtime, { seconds, nanos }, text)
  for (const text of ['', '1e5', '0x10', '1,5', '--1', '.5', ' 1'])
    if (text !== '') t.throws(() => scan(tar(pax(['mtime', text]), rawHeader())), { code: 'BAD_TAR' }, text)
})

test('PAX: every key that an entry has a field for, as bytes', t => {
  const entry = only(
    tar(
      pax(
        ...([
          ['hdrcharset', 'BINARY'],
          ['path', 'p\xff'],
          ['linkpath', 'l\xfe'],
          ['uid', '3000000000'],
          ['gid', '7'],
        ] as const),
        ...([
          ['uname', 'u\xfd'],
          ['gname', 'g\xfc'],
          ['atime', '1'],
          ['ctime', '2'],
          ['comment', 'c'],
        ] as const),
      ),
      rawHeader({ flag: '2', link: 'short' }),
    ),
  )
  t.deepEqual(
    [entry.path, entry.linkPath, entry.uname, entry.gname].map(bytes => bytes.toString('latin1')),
    ['p\xff', 'l\xfe', 'u\xfd', 'g\xfc'],
  )
  t.deepEqual([entry.uid, entry.gid], [3_000_000_000, 7])
})

test('PAX: Solaris X is read like x', t => {
  const header = pax(['path', 'by-x'])
  header.write('X', 156)
  fixChecksum(header)
  t.is(only(tar(header, rawHeader())).path.toString(), 'by-x')
})

test('PAX: records of any bytes come back as they went in', t => {
  const key = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map(bytes => Buffer.from(bytes.map(byte => (byte === 0x3d ? 0x2d : byte))).toString('latin1'))
  const value = fc.uint8Array({ maxLength: 1200 }).map(bytes => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 12 }), records => {
      const globals: PaxRecord[] = []
      const scanner = new TarScanner({
        entry: () => {},
        global: found => {
          for (const record of found) globals.push(record)
        },
      })
      scanner.push(tar(encodePax('g', Buffer.concat(records.map(([key, value]) => paxRecord(key, value))))))
      scanner.end()
      t.deepEqual(
        globals,
        records.map(([key, value]) => ({ key, value })),
      )
    }),
  )
})

test('readTar: global PAX headers are handed over in order, and are no entries', t => {
  const seen: string[] = []
  const scanner = new TarScanner({
    entry: ({ path }) => seen.push(path.toString()),
    global: records => seen.push(records.map(({ key, value }) => `${key}=${value}`).join()),
  })
  scanner.push(
    tar(
      globalPax(['comment', '1']),
      rawHeader({ name: 'a' }),
      globalPax(['LADING.x', '\n=']),
      rawHeader({ name: 'b' }),
    ),
  )
  scanner.end()
  t.deepEqual(seen, ['comment=1', 'a', 'LADING.x=\n=', 'b'])
})

test('readXattrs: SCHILY raw, LIBARCHIVE encoded, RHT; the raw one counts where two tell the same name', t => {
  const { xattrs } = only(
    tar(
      pax(
        ...([
          ['LIBARCHIVE.xattr.user.both', 'AAAA'],
          ['SCHILY.xattr.user.both', 'r\0\n=\xff'],
        ] as const),
        ...([
          ['LIBARCHIVE.xattr.user.%e2%82%ac%3D', 'AQID'],
          ['RHT.security.selinux', 'system_u:x\0'],
        ] as const),
        ...([
          ['SCHILY.xattr.security.capability', '\x01\0\0\x02'.repeat(5)],
          ['SCHILY.xattr.user.%41', 'as it is'],
        ] as const),
      ),
      rawHeader(),
    ),
  )
  t.deepEqual(
    new Map(xattrs.map(({ name, value }) => [name.toString('latin1'), value.toString('latin1')])),
    new Map([
      ['user.both', 'r\0\n=\xff'],
      ['security.capability', '\x01\0\0\x02'.repeat(5)],
      ['user.%41', 'as it is'],
      ['user.\xe2\x82\xac=', '\x01\x02\x03'],
      ['security.selinux', 'system_u:x\0'],
    ]),
  )
})

const octal = (value: number) => `${value.toString(8).padStart(11, '0')}\0`
/** 30 regions of 100 bytes, each 1000 bytes after the one before; 100,000 bytes in all. */
const regions = Array.from({ length: 30 }, (_, index) => ({ offset: 1000 * index + 500, length: 100 }))
const stored = Buffer.from(Array.from({ length: 3000 }, (_, index) => 1 + (index % 255)))
const expanded = Buffer.alloc(100_000)
for (const [index, { offset }] of regions.entries())
  stored.copy(expanded, offset, index * 100, index * 100 + 100)
const slots = (from: number, to: number) =>
  regions
    .slice(from, to)
    .map(({ offset, length }) => octal(offset) + octal(length))
    .join('')
const numbers = regions.flatMap(({ offset, length }) => [offset, length])
const map = `30\n${numbers.join('\n')}\n`
const after = rawHeader({ name: 'after' })

const sparse: Readonly<Record<string, Buffer>> = {
  'old GNU with two extension blocks': tar(
    rawHeader({
      flag: 'S',
      size: 3000,
      magic: gnu,
      at: { 386: slots(0, 4), 482: '\x01', 483: octal(100_000) },
    }),
    ...[
      Buffer.from(`${slots(4, 25).padEnd(504, '\0')}\x01${'\0'.repeat(7)}`),
      Buffer.from(slots(25, 30).padEnd(512, '\0')),
    ],
    ...[content(stored), after],
  ),
  'PAX 0.0': tar(
    pax(
      ...([
        ['GNU.sparse.size', '100000'],
        ['GNU.sparse.numblocks', '30'],
      ] as const),
      ...regions.flatMap(({ offset, length }) => [
        ['GNU.sparse.offset', String(offset)] as const,
        ['GNU.sparse.numbytes', String(length)] as const,
      ]),
    ),
    ...[rawHeader({ size: 3000 }), content(stored), after],
  ),
  'PAX 0.1': tar(
    pax(['GNU.sparse.size', '100000'], ['GNU.sparse.map', numbers.join()], ['GNU.sparse.name', 'file']),
    ...[rawHeader({ name: 'GNUSparseFile.1/file', size: 3000 }), content(stored), after],
  ),
  'PAX 1.0': tar(
    pax(
      ...([
        ['GNU.sparse.major', '1'],
        ['GNU.sparse.minor', '0'],
      ] as const),
      ...([
        ['GNU.sparse.name', 'file'],
        ['GNU.sparse.realsize', '100000'],
      ] as const),
    ),
    rawHeader({ name: 'GNUSparseFile.1/file', size: content(map).length + 3000 }),
    ...[content(map), content(stored), after],
  ),
}
for (const [form, bytes] of Object.entries(sparse))
  test(`sparse, ${form}: its holes are where they belong, and the next header is found`, async t => {
    const [entry, next] = scan(bytes)
    t.is(entry!.path.toString(), 'file')
    t.is(entry!.type, 'file')
    t.is(entry!.size, 100_000)
    t.is(entry!.storedSize, 3000)
    t.deepEqual(entry!.sparse, regions)
    t.is(next!.path.toString(), 'after')
    t.deepEqual(
      await collect(wholeContent(contentsIn([memorySource(bytes)]), { layer: 0, entry: entry! }), {
        max: 200_000,
        what: 'file',
      }),
      expanded,
    )
    for (let cut = 512; cut < bytes.length - 2048; cut += 512)
      t.throws(() => scan(bytes.subarray(0, cut)), { code: 'TRUNCATED' }, String(cut))
  })

test('sparse: a file that is one hole, and one that ends in data', t => {
  const hole = only(tar(pax(['GNU.sparse.map', '100,0'], ['GNU.sparse.size', '100']), rawHeader()))
  t.is(hole.size, 100)
  t.is(hole.storedSize, 0)
  t.is(
    scan(
      tar(
        pax(['GNU.sparse.map', '90,10'], ['GNU.sparse.size', '100']),
        rawHeader({ size: 10 }),
        content('0123456789'),
      ),
    )[0]!.size,
    100,
  )
})
