import test from 'ava'
import { LadingError } from '../../src/spec/errors.js'
import { TarScanner } from '../../src/tar/scan-stream.js'
import { encodeEntry, encodePax, padding, paxRecord } from '../../src/tar/write.js'
import { content, globalPax, gnu, long, pax, rawHeader, reading, tar } from './raw-tar.js'

// Headers that make readers disagree on what an archive holds. Docker, containerd and podman unpack with Go's
// archive/tar, so its reading (observed with Go 1.19) is what a container gets: `go` below; '' where Go
// refuses. Ours is the same list, or a refusal. A block that one reader takes for content and another for a
// header is how something is hidden: it is called "hidden" here.
const hidden = rawHeader({ name: 'hidden' })
const after = rawHeader({ name: 'after' })
const both = 'hidden:file:0 after:file:0'
const file = (over: Parameters<typeof rawHeader>[0] = {}) => rawHeader(over)

interface Case {
  readonly title: string
  readonly bytes: Buffer
  readonly go: string
  /** What GNU tar makes of it, where that is something else. */
  readonly others?: string
}

const agree: readonly Case[] = [
  {
    title: 'node-tar 7.5.16: PAX size with an L between speaks of the file',
    bytes: tar(pax(['size', '512']), long('named'), file(), hidden, after),
    go: 'named:file:512 after:file:0',
  },
  {
    title: 'two L: the last counts',
    bytes: tar(long('one'), long('two'), file(), after),
    go: 'two:file:0 after:file:0',
  },
  {
    title: 'K before what is no link',
    bytes: tar(long('target', 'K'), file(), after),
    go: 'file:file:0 after:file:0',
  },
  ...(['1', '2', '3', '4', '5', '6'] as const).map(flag => ({
    title: `type ${flag} has no content whatever its size`,
    bytes: tar(file({ name: 'x', flag, link: 't', size: 512 }), hidden, after),
    go: `x:${['hardlink', 'symlink', 'character-device', 'block-device', 'directory', 'fifo'][Number(flag) - 1]}:0 ${both}`,
    others: 'GNU tar skips content behind all but hard links and folders',
  })),
  {
    title: 'type 0 with a slash at the end is a file with content',
    bytes: tar(file({ name: 'dir/', size: 512 }), hidden, after),
    go: 'dir/:file:512 after:file:0',
    others: 'libarchive takes it for a folder without content',
  },
  {
    title: 'type NUL with a slash at the end is a folder without content',
    bytes: tar(file({ name: 'dir/', flag: '\0', size: 512 }), hidden, after),
    go: `dir/:directory:0 ${both}`,
  },
  {
    title: 'an unknown type is a file with content',
    bytes: tar(file({ flag: '9', size: 512 }), hidden, after),
    go: 'file:file:512 after:file:0',
  },
  {
    title: 'any version behind the magic',
    bytes: tar(file({ magic: 'ustar\x0099', prefix: 'pre' }), after),
    go: 'pre/file:file:0 after:file:0',
  },
  {
    title: 'an empty PAX size is the one of the header',
    bytes: tar(pax(['size', '']), file({ size: 512 }), hidden, after),
    go: 'file:file:512 after:file:0',
  },
  {
    title: 'NULs before the digits of a size',
    bytes: tar(file({ size: '\0\0\0\0\0\x0000012\0' }), content('0123456789'), after),
    go: 'file:file:10 after:file:0',
    others: 'Python and libarchive read 0',
  },
  {
    title: 'old GNU sparse, its size in PAX',
    bytes: tar(
      pax(['size', '512']),
      file({ flag: 'S', magic: gnu, at: { 386: '00000000000\x0000000001000\0', 483: '00000001000\0' } }),
      hidden,
      after,
    ),
    go: 'file:file:512 after:file:0',
  },
]

const refused: readonly Case[] = [
  {
    title: 'CVE-2026-59875: a NUL in a PAX link',
    bytes: tar(pax(['linkpath', 'a\0b']), file({ flag: '2', link: 'l' })),
    go: '',
  },
  {
    title: 'a PAX size with a sign',
    bytes: tar(pax(['size', '+512']), file(), hidden, after),
    go: 'file:file:512 after:file:0',
  },
  { title: 'a PAX size of -1', bytes: tar(pax(['size', '-1']), file(), after), go: '' },
  { title: 'a PAX size of 1e3', bytes: tar(pax(['size', '1e3']), file(), after), go: '' },
  { title: 'a PAX size of 2^53', bytes: tar(pax(['size', '9007199254740992']), file(), after), go: '' },
  {
    title: 'NULs behind the records of a PAX header',
    bytes: tar(encodePax('x', Buffer.from('10 path=p\n\0\0\0')), file(), after),
    go: '',
  },
  {
    title: 'a PAX record of length 0',
    bytes: tar(encodePax('x', Buffer.from('0 path=p\n')), file(), after),
    go: '',
  },
  {
    title: 'a PAX record that is too short by its newline',
    bytes: tar(encodePax('x', Buffer.from('8 path=p\n')), file(), after),
    go: '',
  },
  {
    title: 'a PAX record without a key',
    bytes: tar(encodePax('x', Buffer.from('5 =p\n')), file(), after),
    go: '',
  },
  { title: 'a size of -1 in octal', bytes: tar(file({ size: '-0000000001\0' }), after), go: '' },
  { title: 'a size with an 8', bytes: tar(file({ size: '00000000008\0' }), after), go: '' },
  {
    title: 'a size of 2^63 in base 256',
    bytes: tar(file({ size: Buffer.from('80000000' + '8000000000000000', 'hex') }), after),
    go: '',
  },
  {
    title: 'sparse 0.0 whose records do not alternate',
    bytes: tar(
      pax(
        ...([
          ['GNU.sparse.size', '100'],
          ['GNU.sparse.offset', '0'],
          ['GNU.sparse.offset', '10'],
        ] as const),
        ...([
          ['GNU.sparse.numbytes', '5'],
          ['GNU.sparse.numbytes', '5'],
        ] as const),
      ),
      file({ size: 10 }),
      content('0123456789'),
    ),
    go: '',
  },
  {
    title: 'sparse 1.0 on a folder',
    bytes: tar(
      pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '0'], ['GNU.sparse.realsize', '9']),
      file({ flag: '5' }),
      after,
    ),
    go: '',
  },
  {
    title: 'sparse regions in descending order',
    bytes: tar(
      pax(['GNU.sparse.map', '50,5,0,5'], ['GNU.sparse.size', '100']),
      file({ size: 10 }),
      content('0123456789'),
    ),
    go: '',
  },
  {
    title: 'a sparse map with an odd count of numbers',
    bytes: tar(
      pax(['GNU.sparse.map', '0,5,10'], ['GNU.sparse.size', '100']),
      file({ size: 5 }),
      content('01234'),
    ),
    go: '',
  },
]

for (const { title, bytes, go, others } of agree)
  test(`readTar: reads what Go reads: ${title}${others ? ` (${others})` : ''}`, t => t.is(reading(bytes), go))

test('readTar: refuses what readers take differently', t => {
  for (const { title, bytes } of refused)
    t.regex(reading(bytes), /^(?:BAD_TAR|UNSUPPORTED|TRUNCATED)$/, title)
})

// What Go reads otherwise than we do: each of these shows, or hides, what a container has.
const disagreed: readonly Case[] = [
  {
    title: 'a size in a global PAX header',
    bytes: tar(globalPax(['size', '512']), file(), hidden, after),
    go: `file:file:0 ${both}`,
    others: 'GNU tar hides a header',
  },
  {
    title: 'a path in a global PAX header',
    bytes: tar(globalPax(['path', 'other']), file(), after),
    go: 'file:file:0 after:file:0',
    others: 'GNU tar and Python rename all',
  },
  {
    title: 'two PAX headers, the size in the first',
    bytes: tar(pax(['size', '512']), pax(['mtime', '1']), file(), hidden, after),
    go: `file:file:0 ${both}`,
    others: 'Python hides a header',
  },
  {
    title: 'a global PAX header between a PAX header and its file',
    bytes: tar(pax(['path', 'other']), globalPax(['comment', 'x']), file(), after),
    go: 'file:file:0 after:file:0',
  },
  {
    title: 'a GNU long name and a PAX path',
    bytes: tar(pax(['path', 'by-pax']), long('by-l'), file(), after),
    go: 'by-l:file:0 after:file:0',
    others: 'the others take the PAX path',
  },
  {
    title: 'type NUL whose long name ends in a slash',
    bytes: tar(long('dir/'), file({ flag: '\0', size: 512, magic: gnu }), hidden, after),
    go: `dir/:directory:0 ${both}`,
  },
  {
    title: 'type NUL whose PAX path does not end in the slash of its name',
    bytes: tar(pax(['path', 'named']), file({ name: 'dir/', flag: '\0', size: 512 }), hidden, after),
    go: 'named:file:512 after:file:0',
  },
  {
    title: 'GNU.sparse.name of what is not sparse',
    bytes: tar(pax(['GNU.sparse.name', 'other']), file(), after),
    go: 'file:file:0 after:file:0',
  },
  {
    title: 'a prefix behind a magic that is neither',
    bytes: tar(file({ magic: 'ustar 00', prefix: 'pre' }), after),
    go: 'file:file:0 after:file:0',
  },
  {
    title: 'a prefix under GNU magic, as docker up to 1.12 wrote it beside a large uid',
    bytes: tar(
      file({
        magic: gnu,
        prefix: 'folder/'.repeat(15).slice(0, -1),
        uid: Buffer.from('80000000002dc6c0', 'hex'),
      }),
    ),
    go: `${'folder/'.repeat(15)}file:file:0`,
  },
  {
    title: 'a size with a space among its digits',
    bytes: tar(file({ size: '12 34      \0' }), content('0123456789'), after),
    go: 'BAD_TAR',
  },
  {
    title: 'a sparse map of an unknown version',
    bytes: tar(
      pax(['GNU.sparse.major', '1'], ['GNU.sparse.minor', '7'], ['GNU.sparse.realsize', '9']),
      file({ size: 512 }),
      content('1\n0\n0\n'),
      after,
    ),
    go: 'UNSUPPORTED',
  },
]
for (const { title, bytes, go, others } of disagreed)
  test(`readTar: reads what Go reads: ${title}${others ? ` (${others})` : ''}`, t => t.is(reading(bytes), go))

test('readTar: the first zero block is the end, where Go fails and GNU tar stops', t => {
  t.is(reading(tar(after, Buffer.alloc(512), hidden)), 'after:file:0')
})

test('readTar: TRUNCATED names the path, what was found and what was wanted', t => {
  const bytes = tar(after, file({ name: 'cut\x1b', size: 5000 }), Buffer.alloc(1000)).subarray(0, 2000)
  const scanner = new TarScanner({ entry: () => {} })
  scanner.push(bytes)
  const error = t.throws(() => scanner.end(), { instanceOf: LadingError, code: 'TRUNCATED' })
  t.true(error!.message.includes(JSON.stringify('cut\\x1b')))
  t.is(error!.data.found, 2000)
  t.true((error!.data.wanted as number) >= 1024 + 5000)
})

test('readTar: BAD_TAR of a wrong checksum tells offset, found and wanted', t => {
  const bad = Buffer.from(after)
  bad.write('x', 0)
  const scanner = new TarScanner({ entry: () => {} })
  const error = t.throws(() => scanner.push(Buffer.concat([after, bad])), { code: 'BAD_TAR' }) as LadingError
  t.is(error.data.offset, 512)
  t.is(typeof error.data.wanted, 'number')
  t.regex(error.message, /offset 512/)
})

test('CVE-2022-2879: a header of a million bytes in 200,000 records is read, not a crash', t => {
  const many = Buffer.from('5 a=\n'.repeat(200_000))
  t.is(reading(tar(encodePax('x', many), file())), 'file:file:0')
  t.is(reading(tar(encodePax('g', many), file())), 'file:file:0')
})

test('CVE-2022-2879: a chain of PAX headers is not held in memory', t => {
  const one = encodePax('x', paxRecord('comment', Buffer.alloc(1_000_000, 'x')))
  const scanner = new TarScanner({ entry: () => {} })
  const before = process.memoryUsage().arrayBuffers
  try {
    for (let count = 0; count < 400; count++) scanner.push(one)
  } catch (error) {
    t.is((error as LadingError).code, 'LIMIT_EXCEEDED')
  }
  t.true(process.memoryUsage().arrayBuffers - before < 200 << 20)
})

test('readTar: the time for an entry does not grow with the global records before it', t => {
  const globals = globalPax(...Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 'v'] as const))
  const time = (head: Buffer) => {
    const scanner = new TarScanner({ entry: () => {} })
    scanner.push(head)
    const start = process.cpuUsage().user
    for (let count = 0; count < 1000; count++) scanner.push(after)
    return process.cpuUsage().user - start
  }
  time(after)
  t.true(time(globals) < 20 * time(after) + 200_000)
})

test('encodeEntry: what no header can say is refused, not written as something else', t => {
  const base = { path: Buffer.from('f'), type: 'file' as const }
  for (const entry of [
    { ...base, path: Buffer.from('a\0b') },
    { ...base, type: 'symlink' as const, linkPath: Buffer.from('a\0b') },
    { ...base, xattrs: [{ name: Buffer.from('user.a=b'), value: Buffer.from('v') }] },
    { ...base, xattrs: [{ name: Buffer.from('user.a'), value: Buffer.alloc(2 << 20) }] },
    { ...base, type: 'character-device' as const, devMinor: 8 ** 7 },
  ])
    t.throws(() => encodeEntry(entry), { instanceOf: LadingError })
})

test('padding: fills the last block', t => {
  t.deepEqual(
    [0, 1, 511, 512, 513].map(size => padding(size).length),
    [0, 511, 1, 0, 511],
  )
})
