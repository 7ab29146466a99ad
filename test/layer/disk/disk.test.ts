import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { collect } from '../../../src/bytes/collect.js'
import { memorySource } from '../../../src/bytes/memory-source.js'
import { contentsIn, wholeContent } from '../../../src/layer/content.js'
import { folderContents } from '../../../src/layer/disk/folder-contents.js'
import { aclXattr } from '../../../src/layer/disk/posix-acl.js'
import { readFolder } from '../../../src/layer/disk/read-folder.js'
import { emptyFolder } from '../../../src/layer/disk/remove-tree.js'
import {
  heldNote,
  linksNote,
  nodeNote,
  ownerNote,
  readNotes,
  unpackedByNote,
} from '../../../src/layer/disk/rootless-notes.js'
import { rowsOfEntries } from '../../../src/layer/disk/rows-of-entries.js'
import { rowsOfTree } from '../../../src/layer/disk/rows-of-tree.js'
import { loadSystemCalls, pathIn } from '../../../src/layer/disk/system-calls.js'
import { unpack } from '../../../src/layer/disk/unpack.js'
import type { FlatEntry } from '../../../src/layer/flat-entry.js'
import { flatEntries } from '../../../src/layer/flat-tar.js'
import { indexLayer } from '../../../src/layer/index-layer.js'
import { type MergedTree, treeOf } from '../../../src/layer/merged-tree.js'
import type { TarEntry } from '../../../src/tar/entry.js'
import { encodeEntry, endOfArchive, padding, type WritableEntry } from '../../../src/tar/write.js'
import { isRoot } from '../../helpers/programs.js'

const onLinux = process.platform === 'linux' ? test : test.skip
const asRoot = isRoot ? test : test.skip
const rooted = (title: string) => `${title}${isRoot ? '' : ' [skipped: not root]'}`

const work = mkdtempSync(join(tmpdir(), 'disk-'))
test.after.always(() => rmSync(work, { recursive: true, force: true }))
let counter = 0
const fresh = () => {
  const path = join(work, String(counter++))
  mkdirSync(path)
  return path
}

const path = (text: string) => Buffer.from(text, 'latin1')
type Described = WritableEntry & { body?: Buffer }
const tarOf = (...entries: readonly Described[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap(({ body = Buffer.alloc(0), ...entry }) => [
      encodeEntry({ ...entry, size: entry.size ?? body.length }),
      body,
      padding(body.length),
    ]),
    endOfArchive,
  ])
const unpackTar = async (tar: Buffer, folder: string) => {
  const tree = treeOf(await indexLayer(memorySource(tar)))
  const contents = contentsIn([memorySource(tar)])
  const root = openSync(folder, 'r')
  try {
    return await unpack(rowsOfTree(tree, contents), contents, root)
  } finally {
    closeSync(root)
  }
}
const readBack = async <Result>(
  folder: string,
  look: (tree: MergedTree, content: (entry: TarEntry) => Promise<string>) => Result,
) => {
  const root = openSync(folder, 'r')
  try {
    const reading = await readFolder(root)
    const contents = folderContents(root)
    return await look(treeOf(reading.toc), async entry =>
      (await collect(wholeContent(contents, { layer: 0, entry }), { max: 1 << 24, what: 'file' })).toString(
        'latin1',
      ),
    )
  } finally {
    closeSync(root)
  }
}
/** What is the same on both sides: all but where it lay, and what names of users there were. */
const essence = ({ entry }: { entry: WritableEntry }) => {
  const { uname: _, gname: __, size = 0, xattrs = [], uid = 0, gid = 0, mode, type, ...rest } = entry
  const sorted = [...xattrs].sort((a, b) => Buffer.compare(a.name, b.name))
  return { ...rest, type, size, uid, gid, mode: type === 'symlink' ? 0o777 : mode, xattrs: sorted }
}

asRoot(rooted('unpack and readFolder: everything that a tar can say comes back as it was'), async t => {
  const at = (seconds: number, nanos = 0) => ({ mtime: { seconds, nanos } })
  const xattr = (name: string, value: string) => ({ name: path(name), value: Buffer.from(value, 'latin1') })
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
  const tar = tarOf(
    { path: path('./'), type: 'directory', mode: 0o750, uid: 5, gid: 6, ...at(7) },
    { path: path('b\xe4d\xff\n/'), type: 'directory', mode: 0o1777, ...at(-3, 500) },
    {
      path: path('b\xe4d\xff\n/f'),
      type: 'file',
      mode: 0o4711,
      uid: 1000,
      gid: 70_000,
      ...at(5_000_000_000, 1),
      body: path('abc'),
    },
    {
      path: path('cap'),
      type: 'file',
      mode: 0o755,
      uid: 3,
      xattrs: [{ name: path('security.capability'), value: capability }],
      ...at(1),
    },
    { path: path('closed/'), type: 'directory', mode: 0, ...at(2) },
    { path: path('closed/in'), type: 'file', mode: 0, ...at(3), body: path('hidden') },
    { path: path('fifo'), type: 'fifo', mode: 0o622, uid: 9, ...at(4) },
    { path: path('null'), type: 'character-device', mode: 0o666, devMajor: 1, devMinor: 3, ...at(5) },
    {
      path: path('sda'),
      type: 'block-device',
      mode: 0o660,
      gid: 6,
      devMajor: 259,
      devMinor: 1_048_575,
      ...at(6),
    },
    { path: path('soft'), type: 'symlink', mode: 0o777, uid: 8, linkPath: path('../\xff'), ...at(7, 9) },
    {
      path: path('whole'),
      type: 'file',
      mode: 0o644,
      xattrs: [xattr('trusted.t', '\0=\n'), xattr('user.u', '')],
      ...at(8),
      body: path('x'.repeat(3 << 20)),
    },
    {
      path: path('zlink'),
      type: 'hardlink',
      mode: 0o644,
      linkPath: path('whole'),
      ...at(8),
      xattrs: [xattr('trusted.t', '\0=\n'), xattr('user.u', '')],
    },
  )
  const folder = fresh()
  t.deepEqual(await unpackTar(tar, folder), { xattrs: 0, owners: 0, devices: 0, records: 0 })
  const before = [...flatEntries(treeOf(await indexLayer(memorySource(tar))))].map(essence)
  await readBack(folder, async (tree, content) => {
    t.deepEqual([...flatEntries(tree)].map(essence), before)
    t.is(await content(tree.entry(tree.lookup('closed/in')!)!), 'hidden')
    t.is((await content(tree.entry(tree.lookup('zlink')!)!)).length, 3 << 20)
  })
})

onLinux('unpack: holes stay holes, and readFolder finds them', async t => {
  const sparse = [
    { offset: 1 << 20, length: 4096 },
    { offset: 3 << 20, length: 4096 },
  ]
  const body = Buffer.concat([Buffer.alloc(4096, 'a'), Buffer.alloc(4096, 'b')])
  const header = encodeEntry({ path: path('s'), type: 'file', size: 8 << 20, sparse })
  const folder = fresh()
  await unpackTar(Buffer.concat([header, body, endOfArchive]), folder)
  const { size, blocks } = statSync(join(folder, 's'))
  t.is(size, 8 << 20)
  t.true(blocks * 512 < 1 << 20, `${blocks} blocks`)
  const whole = readFileSync(join(folder, 's'))
  t.is(whole.subarray(1 << 20, (1 << 20) + 4096).toString(), 'a'.repeat(4096))
  await readBack(folder, async (tree, content) => {
    const entry = tree.entry(tree.lookup('s')!)!
    t.true(entry.storedSize < 1 << 20)
    t.is(await content(entry), whole.toString('latin1'))
  })
})

onLinux('unpack: no name and no link leads out of the folder (CVE-2018-15664, CVE-2025-47290)', async t => {
  const outside = fresh()
  const attacks: readonly (readonly Described[])[] = [
    [{ path: path('../up'), type: 'file', body: path('x') }],
    [{ path: path(`${outside}/abs`), type: 'file', body: path('x') }],
    [
      { path: path('l'), type: 'symlink', linkPath: path(outside) },
      { path: path('l/through'), type: 'file', body: path('x') },
    ],
    [
      { path: path('t'), type: 'symlink', linkPath: path('.') },
      { path: path('e'), type: 'symlink', linkPath: path(`t/t/t/../../../../../../../..${outside}`) },
      { path: path('e/chain'), type: 'file', body: path('x') },
    ],
    [
      { path: path('h'), type: 'hardlink', linkPath: path(`../../../../../../..${outside}/../victim`) },
      { path: path('h'), type: 'file', body: path('x') },
    ],
  ]
  for (const attack of attacks) await unpackTar(tarOf(...attack), fresh())
  t.deepEqual(readdirSync(outside), [])
  t.false(existsSync(join(work, 'up')))
  // Given entries that no tree would have, it still follows nothing: what is open is the folder, not the link.
  const folder = fresh()
  symlinkSync(outside, join(folder, 'd'))
  const root = openSync(folder, 'r')
  const make = (...entries: readonly FlatEntry['entry'][]) => {
    const flat = entries.map(entry => ({ entry }))
    return unpack(rowsOfEntries(flat, contentsIn([])), contentsIn([]), root)
  }
  await t.throwsAsync(make({ path: path('d/'), type: 'directory' }), { code: 'EEXIST', message: /^"d": / })
  for (const name of ['d/x', '..', 'x\0', '.hidden/../x', ''])
    await t.throwsAsync(make({ path: path(name), type: 'fifo' }), { code: 'BAD_TAR' }, name)
  const upwards = { path: path('h'), type: 'hardlink', linkPath: path(`../${basename(outside)}/x`) } as const
  await t.throwsAsync(make(upwards), { code: 'BAD_TAR' })
  closeSync(root)
  t.deepEqual(readdirSync(outside), [])
})

onLinux('readFolder: sockets are told; what is replaced or grows meanwhile is an error', async t => {
  const folder = fresh()
  const server = createServer()
  await new Promise<void>(resolve => server.listen(join(folder, 'socket'), resolve))
  writeFileSync(join(folder, 'grows'), 'abc')
  const root = openSync(folder, 'r')
  const { toc, sockets } = await readFolder(root)
  t.deepEqual(sockets, ['socket'])
  writeFileSync(join(folder, 'grows'), 'abcdef')
  const tree = treeOf(toc)
  const entry = tree.entry(tree.lookup('grows')!)!
  await t.throwsAsync(
    collect(wholeContent(folderContents(root), { layer: 0, entry }), { max: 100, what: 'file' }),
    { code: 'UNSUPPORTED', message: /changed while it was read/ },
  )
  closeSync(root)
  await new Promise(resolve => server.close(resolve))
})

onLinux('emptyFolder: folders that nobody may enter, names that are no text, deep trees', async t => {
  const folder = fresh()
  await unpackTar(
    tarOf(
      { path: path('a/'), type: 'directory', mode: 0 },
      { path: path('a/b\xff/'), type: 'directory', mode: 0o111 },
      { path: path('a/b\xff/c'), type: 'file', mode: 0 },
      { path: path(`${'d/'.repeat(100)}`), type: 'directory' },
    ),
    folder,
  )
  const root = openSync(folder, 'r')
  await emptyFolder(root)
  closeSync(root)
  t.deepEqual(readdirSync(folder), [])
})

test('readNotes: what an ordinary user notes comes back; other attributes stay', t => {
  const owner = fc.record({ uid: fc.nat({ max: 0xffff_fffe }), gid: fc.nat({ max: 0xffff_fffe }) })
  fc.assert(
    fc.property(owner, owner, fc.uint8Array({ maxLength: 20 }), (one, two, bytes) => {
      const own = { name: path('user.mine'), value: Buffer.from(bytes) }
      const held = { name: path('security.capability'), value: Buffer.from(bytes) }
      const link = Buffer.concat([path('l\xff'), Buffer.from(bytes.filter(byte => byte !== 0))])
      const notes = readNotes([
        ...[own, ownerNote(one), heldNote(held), linksNote([[link, two]]), unpackedByNote(two)],
        nodeNote({ type: 'character-device', major: 1, minor: 3 }),
      ])
      t.deepEqual(notes, {
        xattrs: [own, held],
        owner: one,
        node: { type: 'character-device', major: 1, minor: 3 },
        links: new Map([[link.toString('latin1'), two]]),
        unpackedBy: two,
      })
    }),
  )
  // umoci writes protobuf: uid = 1000, gid = 100.
  t.deepEqual(
    readNotes([{ name: path('user.rootlesscontainers'), value: Buffer.from('08e8071064', 'hex') }]),
    {
      xattrs: [],
      owner: { uid: 1000, gid: 100 },
    },
  )
  for (const name of ['rootlesscontainers', 'lading.node', 'lading.links', 'lading.unpacked-by']) {
    const odd = { name: path(`user.${name}`), value: Buffer.from('\x01odd') }
    t.deepEqual(readNotes([odd]), { xattrs: [odd] }, name)
  }
})

asRoot(rooted('aclXattr: the kernel takes it, and it says what the text said'), async t => {
  const record = (value: string) => ({ key: 'SCHILY.acl.access', value: Buffer.from(value) })
  const acl = aclXattr(record('user::rw-,user:lisa:r-x:502,group::r--,mask::r-x,other::---'))!
  t.is(
    acl.value.toString('hex'),
    '02000000' +
      '01000600ffffffff' +
      '02000500f6010000' +
      '04000400ffffffff' +
      '10000500ffffffff' +
      '20000000ffffffff',
  )
  t.is(aclXattr(record('user:lisa:r-x,other::---')), undefined)
  t.is(aclXattr({ key: 'SCHILY.fflags', value: Buffer.from('nodump') }), undefined)
  const folder = fresh()
  writeFileSync(join(folder, 'f'), '')
  const root = openSync(folder, 'r')
  const system = await loadSystemCalls()
  try {
    system.setXattr(pathIn(root, path('f')), acl)
    t.deepEqual(system.xattrs(pathIn(root, path('f'))), [acl])
  } catch (error) {
    t.is((error as NodeJS.ErrnoException).code, 'ENOTSUP', 'this file system has no ACLs')
  } finally {
    closeSync(root)
  }
})
