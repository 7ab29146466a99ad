import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openFile } from '../../src/bytes/file-source.js'
import { contentsIn, wholeContent } from '../../src/layer/content.js'
import type { TarEntry } from '../../src/tar/entry.js'
import { scanSource } from '../../src/tar/scan-source.js'
import { encodeEntry, endOfArchive, type WritableEntry } from '../../src/tar/write.js'
import { tar } from './raw-tar.js'

// Archives that real programs make of one folder, held against what lstat says of it; and what lading writes,
// as real programs read it.
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const gnuTar = has('tar') && execFileSync('tar', ['--version'], { encoding: 'utf8' }).includes('GNU tar')
const [bsdtar, python] = [has('bsdtar'), has('python3')]
const when = (there: boolean, program: string, title: string, run: (t: ExecutionContext) => unknown): void =>
  (there ? test : test.skip)(there ? title : `${title} [skipped: ${program} is not installed]`, run)

const work = mkdtempSync(join(tmpdir(), 'peers-'))
const folder = join(work, 'folder')
test.after.always(() => rmSync(work, { recursive: true, force: true }))
const raw = (name: string | Buffer): Buffer => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)])

const deep = `${'deep/'.repeat(30)}end`
const notText = Buffer.from('b\xe4d\xff', 'latin1')
/** Nanoseconds since 1970, by name. */
const times: Readonly<Record<string, bigint>> = {
  plain: 1_700_000_000_123_456_789n,
  early: -1_500_000_000n,
  late: 5_000_000_000_000_000_000n,
}

test.before(() => {
  mkdirSync(join(folder, 'deep/'.repeat(30)), { recursive: true })
  for (const name of ['plain', 'early', 'late', deep, 'x'.repeat(99), 'y'.repeat(101), 'ü'])
    writeFileSync(raw(name), name)
  writeFileSync(raw(notText), 'raw')
  writeFileSync(raw('empty'), '')
  linkSync(raw('plain'), raw('twin'))
  symlinkSync('t'.repeat(200), raw('link'))
  symlinkSync(notText, raw('raw-link'))
  execFileSync('mkfifo', [join(folder, 'fifo')])
  const holes = openSync(join(folder, 'holes'), 'w')
  for (let at = 0; at < 30; at++) writeSync(holes, `data ${at}`, at * 300_000 + 100_000)
  ftruncateSync(holes, 12_000_000)
  closeSync(holes)
  if (python)
    execFileSync('python3', [
      ...[
        '-c',
        'import os,sys\nfor a in sys.argv[2:]:\n n,t=a.split("=");os.utime(sys.argv[1]+"/"+n,ns=(0,int(t)))',
        folder,
      ],
      ...Object.entries(times).map(([name, time]) => `${name}=${time}`),
    ])
})

const entriesOf = async (path: string): Promise<TarEntry[]> => {
  await using file = await openFile(path)
  const entries: TarEntry[] = []
  await scanSource(file, { entry: entry => entries.push(entry) })
  return entries
}

/** Each entry is what stands in the folder: type, size, mode, owner, time, link, and every byte of content. */
const agrees = async (
  t: ExecutionContext,
  path: string,
  fine: boolean,
  owner?: readonly [number, number],
) => {
  await using file = await openFile(path)
  const entries = await entriesOf(path)
  const seen = new Map<string, TarEntry>()
  for (const entry of entries) {
    const name = entry.path.toString('latin1').replace(/^\.\/?|\/$/g, '')
    seen.set(name, entry)
    const there = raw(entry.path)
    const status = lstatSync(there, { bigint: true })
    const size = entry.type === 'file' ? Number(status.size) : 0
    t.is(entry.size, size, name)
    t.is(entry.mode, Number(status.mode & 0o7777n), name)
    t.deepEqual([entry.uid, entry.gid], owner ?? [Number(status.uid), Number(status.gid)], name)
    const floor = status.mtimeNs / 1_000_000_000n - (status.mtimeNs % 1_000_000_000n < 0n ? 1n : 0n)
    const nanos = Number(status.mtimeNs - floor * 1_000_000_000n)
    t.deepEqual(entry.mtime, { seconds: Number(floor), nanos: fine ? nanos : 0 }, name)
    const kind = status.isFile() ? /^(?:file|hardlink)$/ : new RegExp(`^${kindOf(status)}$`)
    t.regex(entry.type, kind, name)
    if (entry.type === 'symlink')
      t.deepEqual(entry.linkPath, readlinkSync(there, { encoding: 'buffer' }), name)
    if (entry.type === 'hardlink') t.is(statSync(raw(entry.linkPath)).ino, statSync(there).ino, name)
    if (entry.type !== 'file') continue
    const hash = createHash('sha256')
    for await (const chunk of wholeContent(contentsIn([file]), { layer: 0, entry: entry })) hash.update(chunk)
    t.is(hash.digest('hex'), createHash('sha256').update(readFileSync(there)).digest('hex'), name)
  }
  return seen
}

const kindOf = (status: { isDirectory(): boolean; isSymbolicLink(): boolean; isFIFO(): boolean }): string =>
  status.isDirectory() ? 'directory' : status.isSymbolicLink() ? 'symlink' : status.isFIFO() ? 'fifo' : 'none'

const everything = ['.']
const large = ['--owner=:3000000', '--group=:4000000000', '--numeric-owner']

for (const [title, flags, names, fine, owner] of [
  ['v7', ['--format=v7'], ['plain', 'twin', 'empty', 'holes'], false],
  ['ustar', ['--format=ustar'], ['plain', 'twin', 'empty', 'fifo', 'deep'], false],
  ['oldgnu', ['--format=oldgnu', ...large], everything, false, [3_000_000, 4_000_000_000]],
  ['oldgnu sparse', ['--format=oldgnu', '--sparse'], everything, false],
  ['gnu', ['--format=gnu', ...large], everything, false, [3_000_000, 4_000_000_000]],
  ['gnu sparse', ['--format=gnu', '--sparse'], everything, false],
  ['gnu with a label', ['--format=gnu', '--label=volume'], everything, false],
  ['gnu incremental', ['--format=gnu', `--listed-incremental=${join(work, 'snapshot')}`], everything, false],
  ['pax', ['--format=pax', ...large], everything, true, [3_000_000, 4_000_000_000]],
  ['pax sparse 0.0', ['--format=pax', '--sparse', '--sparse-version=0.0'], everything, true],
  ['pax sparse 0.1', ['--format=pax', '--sparse', '--sparse-version=0.1'], everything, true],
  ['pax sparse 1.0', ['--format=pax', '--sparse', '--sparse-version=1.0'], everything, true],
] as const)
  when(gnuTar, 'GNU tar', `readTar: GNU tar's ${title} is what the folder is`, async t => {
    const path = join(work, `gnu-${title.replaceAll(' ', '-')}.tar`)
    const made = spawnSync('tar', ['-cf', path, ...flags, '-C', folder, ...names], { encoding: 'utf8' })
    t.is(made.status, 0, made.stderr)
    const seen = await agrees(t, path, fine, owner)
    t.is(seen.get('holes')?.sparse !== undefined, title.includes('sparse') && seen.has('holes'))
    if (names === everything) {
      t.true(seen.has(deep) && seen.has('y'.repeat(101)) && seen.has(notText.toString('latin1')))
      if (python) t.is(seen.get('early')!.mtime.seconds, -2)
    }
  })

for (const [format, names, fine] of [
  ['ustar', ['plain', 'twin', 'empty', 'fifo', 'deep'], false],
  ['gnutar', everything, false],
  ['pax', everything, true],
] as const)
  when(bsdtar, 'bsdtar', `readTar: bsdtar's ${format} is what the folder is`, async t => {
    const path = join(work, `bsd-${format}.tar`)
    const made = spawnSync(
      'bsdtar',
      // It writes a second and a half before 1970 as -2.5, or as 0.
      ['-cf', path, '--format', format, '--exclude', 'early', '-C', folder, ...names],
      { encoding: 'utf8' },
    )
    t.is(made.status, 0, made.stderr)
    await agrees(t, path, fine)
  })

const value = Buffer.from([0, 1, 2, 0x0a, 0x3d, 0xff, 0x20, 0])
const written: readonly WritableEntry[] = [
  {
    path: Buffer.from('plain'),
    type: 'file',
    mode: 0o4751,
    uid: 7,
    gid: 8,
    mtime: { seconds: 1_700_000_000, nanos: 0 },
  },
  { path: Buffer.from(`${'p'.repeat(155)}/${'n'.repeat(100)}`), type: 'file' },
  { path: Buffer.from(`${'p'.repeat(156)}/${'n'.repeat(100)}`), type: 'file' },
  { path: Buffer.from(`${'folder/'.repeat(60)}x`), type: 'file' },
  { path: Buffer.from(`${'f'.repeat(99)}/`), type: 'directory' },
  { path: Buffer.from(`${'f'.repeat(100)}/`), type: 'directory' },
  { path: notText, type: 'file', uname: Buffer.from('ü'), gname: Buffer.from('g'.repeat(40)) },
  { path: Buffer.from('line\nfeed'), type: 'file', xattrs: [{ name: Buffer.from('user.a'), value }] },
  { path: Buffer.from('owners'), type: 'file', uid: 4_294_967_294, gid: 2_097_152 },
  { path: Buffer.from('early'), type: 'file', mtime: { seconds: -2, nanos: 750_000_000 } },
  { path: Buffer.from('earlier'), type: 'file', mtime: { seconds: -86_400, nanos: 0 } },
  { path: Buffer.from('fine'), type: 'file', mtime: { seconds: 1_700_000_000, nanos: 1 } },
  { path: Buffer.from('late'), type: 'file', mtime: { seconds: 8 ** 11, nanos: 0 } },
  { path: Buffer.from('soft'), type: 'symlink', linkPath: Buffer.from('t'.repeat(101)) },
  { path: Buffer.from('hard'), type: 'hardlink', linkPath: notText },
  { path: Buffer.from('null'), type: 'character-device', devMajor: 1, devMinor: 3 },
  { path: Buffer.from('disk'), type: 'block-device', devMajor: 259, devMinor: 1_048_575 },
  { path: Buffer.from('fifo'), type: 'fifo' },
]
const seconds = ({ mtime = { seconds: 0, nanos: 0 } }: WritableEntry) => mtime.seconds + mtime.nanos / 1e9
const flag = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
}

when(python, 'python3', 'encodeEntry: Python reads every field of it, byte for byte', t => {
  const path = join(work, 'written.tar')
  writeFileSync(path, tar(...written.map(encodeEntry)))
  const script = `
import tarfile,sys,json
raw=lambda s: s.encode('utf-8','surrogateescape').hex()
print(json.dumps([[raw(m.name),m.type.decode(),m.mode,m.uid,m.gid,raw(m.uname),raw(m.gname),m.mtime,raw(m.linkname),m.devmajor,m.devminor,
  [[k[13:],raw(v)] for k,v in m.pax_headers.items() if k.startswith('SCHILY.xattr.')]] for m in tarfile.open(sys.argv[1],encoding='utf-8',errors='surrogateescape')]))`
  const theirs = JSON.parse(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' }))
  const hex = (bytes: Buffer = Buffer.alloc(0)) => bytes.toString('hex')
  for (const [index, entry] of written.entries())
    t.deepEqual(
      theirs[index],
      [
        ...[
          hex(entry.path).replace(/2f$/, ''),
          flag[entry.type],
          entry.mode ?? (entry.type === 'directory' ? 0o755 : 0o644),
        ],
        ...[
          entry.uid ?? 0,
          entry.gid ?? 0,
          hex(entry.uname),
          hex(entry.gname),
          seconds(entry),
          hex(entry.linkPath),
        ],
        ...[
          entry.devMajor ?? 0,
          entry.devMinor ?? 0,
          (entry.xattrs ?? []).map(({ name, value }) => [String(name), hex(value)]),
        ],
      ],
      entry.path.toString('latin1'),
    )
  t.is(theirs.length, written.length)
})

/** `tar -tv` as latin1 lines, in UTC, with whole times and names as they are. */
const listed = (path: string): string[] =>
  execFileSync('tar', ['-tvf', path, '--full-time', '--numeric-owner', '--quoting-style=literal'], {
    encoding: 'latin1',
    env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
  })
    .trimEnd()
    .split('\n')

when(gnuTar, 'GNU tar', 'encodeEntry: GNU tar reads owners, times to the nanosecond, names and links', t => {
  const path = join(work, 'listed.tar')
  writeFileSync(path, tar(...written.filter(({ path }) => !path.includes('\n')).map(encodeEntry)))
  const lines = listed(path)
  t.is(lines.length, written.length - 1)
  const line = (name: string) => lines.find(line => line.includes(` ${name}`))?.replace(/ +/g, ' ') ?? ''
  t.regex(line('plain'), /^-rwsr-x--x 7\/8 +0 2023-11-14 22:13:20 plain$/)
  // Its listing counts a fraction before 1970 the wrong way round; what it unpacks is right.
  execFileSync('tar', ['-xf', path, '-C', work, '--no-same-owner', 'early', 'fine'], { stdio: 'pipe' })
  t.is(lstatSync(join(work, 'early'), { bigint: true }).mtimeNs, -1_250_000_000n)
  t.is(lstatSync(join(work, 'fine'), { bigint: true }).mtimeNs, 1_700_000_000_000_000_001n)
  t.regex(line('earlier'), / 1969-12-31 00:00:00 earlier$/)
  t.regex(line('fine'), / 2023-11-14 22:13:20\.000000001 fine$/)
  t.regex(line('late'), / 2242-03-16 12:56:32 late$/)
  t.regex(line('owners'), / 4294967294\/2097152 /)
  t.true(line('soft').endsWith(`soft -> ${'t'.repeat(101)}`))
  t.true(line('hard').endsWith(`hard link to ${notText.toString('latin1')}`))
  t.regex(line('disk'), / 259,1048575 /)
  for (const { path } of written)
    if (!path.includes('\n')) t.truthy(line(path.toString('latin1')), path.toString('latin1'))
})

when(gnuTar, 'GNU tar', 'encodeEntry: a file over 8 GiB, and the entry behind it', async t => {
  for (const size of [8 ** 11 - 1, 8 ** 11, 9 * 1024 ** 3 + 5]) {
    const path = join(work, 'large.tar')
    const head = encodeEntry({ path: Buffer.from('large'), type: 'file', size })
    writeFileSync(path, head)
    truncateSync(path, head.length + Math.ceil(size / 512) * 512)
    writeFileSync(path, tar(encodeEntry({ path: Buffer.from('after'), type: 'file' })), { flag: 'a' })
    const ours = (await entriesOf(path)).map(({ path, size }) => [path.toString(), size])
    t.deepEqual(ours, [
      ['large', size],
      ['after', 0],
    ])
    t.deepEqual(
      listed(path).map(line => [line.split(' ').at(-1), Number(line.split(/ +/)[2])]),
      ours,
    )
    rmSync(path)
  }
})

test('encodeEntry: the same entry gives the same bytes, and only what needs PAX has it', t => {
  for (const entry of written) t.deepEqual(encodeEntry(entry), encodeEntry(entry))
  const plain = written
    .filter(entry => encodeEntry(entry).length === 512)
    .map(({ path }) => path.toString().slice(0, 8))
  t.deepEqual(plain, ['plain', 'pppppppp', 'ffffffff', 'hard', 'null', 'disk', 'fifo'])
  t.is(endOfArchive.length, 1024)
})

when(
  gnuTar && bsdtar && python,
  'GNU tar, bsdtar or python3',
  'encodeEntry: sparse files and text ACLs, as GNU tar, bsdtar, Python and our own reader take them',
  async t => {
    const [path, size] = [Buffer.from('ü/sparse'), 1 << 20]
    const sparse = [
      { offset: 4096, length: 512 },
      { offset: 700_000, length: 2 },
    ]
    const records = [
      {
        key: 'SCHILY.acl.access',
        value: Buffer.from('user::rw-,user:7:r--,group::r--,mask::r--,other::---'),
      },
    ]
    const header = encodeEntry({ path, type: 'file', size, sparse, records })
    const plain = encodeEntry({ path: Buffer.from('after'), type: 'file' })
    const bytes = tar(
      header,
      Buffer.concat([Buffer.alloc(512, 'abc'), Buffer.from('de'), Buffer.alloc(510)]),
      plain,
    )
    const file = join(work, 'sparse.tar')
    writeFileSync(file, bytes)
    const wanted = Buffer.alloc(size)
    wanted.fill('abc', 4096, 4608)
    wanted.write('de', 700_000)
    for (const program of ['tar', 'bsdtar']) {
      const into = join(work, `sparse-${program}`)
      mkdirSync(into)
      execFileSync(program, ['-xf', file, '-C', into])
      t.true(readFileSync(join(into, 'ü/sparse')).equals(wanted), program)
      t.is(statSync(join(into, 'after')).size, 0)
    }
    const script =
      'import sys,tarfile,hashlib\nt=tarfile.open(sys.argv[1])\nprint(hashlib.sha256(t.extractfile("ü/sparse").read()).hexdigest())'
    t.is(
      execFileSync('python3', ['-c', script, file], { encoding: 'utf8' }).trim(),
      createHash('sha256').update(wanted).digest('hex'),
    )
    const found: TarEntry[] = []
    await using source = await openFile(file)
    await scanSource(source, { entry: entry => found.push(entry) })
    t.like(found[0], {
      path,
      size,
      records,
      storedSize: 514,
      sparse: [...sparse, { offset: size, length: 0 }],
    })
  },
)
