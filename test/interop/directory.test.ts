import { chmodSync, chownSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { openFile } from '../../src/bytes/file-source.js'
import { memorySource } from '../../src/bytes/memory-source.js'
import { indexLayer } from '../../src/layer/index-layer.js'
import { LadingError } from '../../src/spec/errors.js'
import { encodeEntry, endOfArchive, type WritableEntry } from '../../src/tar/write.js'
import { convert } from '../../src/verbs/convert.js'
import { diskListing } from '../helpers/disk-listing.js'
import { attempt, has, isRoot, ladingProgram, run } from '../helpers/programs.js'

// Trees on disk: what umoci unpacks against what lading unpacks, compared by Python; and what an ordinary user
// unpacks and packs again against the source.
const when = (missing: string | undefined) => (missing === undefined ? test.serial : test.serial.skip)
const why = (missing: string | undefined) => (missing === undefined ? '' : ` [skipped: ${missing}]`)
const corpus = process.env.LADING_CORPUS
const missing =
  (isRoot ? undefined : 'not root') ??
  (has('umoci') ? undefined : 'umoci is not installed') ??
  (has('python3') ? undefined : 'python3 is not installed') ??
  (corpus ? undefined : 'LADING_CORPUS is not set')

const folder = mkdtempSync(join(tmpdir(), 'directory-'))
test.after.always(() => run('rm', ['-rf', folder]))
const storeDirectory = join(folder, 'store')
const imagePaths = (): readonly string[] =>
  readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
    .split('\n')
    .slice(1)
    .map(line => line.split('\t'))
    .filter(([, , kind]) => /archive|layout/.test(kind ?? ''))
    .map(([path]) => join(corpus!, path!))

/** Folders that no layer has an entry for: of their times and modes nothing is known. */
const implied = async (flat: string): Promise<(path: string) => boolean> => {
  await using file = await openFile(flat)
  const known = new Set<string>()
  for (const { path, mtime, mode } of await indexLayer(file))
    if (mtime.seconds !== 0 || mtime.nanos !== 0 || mode !== 0o755)
      known.add(path.toString('latin1').replace(/^\.\/|\/$/g, '') || '.')
  return path => !known.has(path)
}

when(missing)(
  `lading convert … dir: is umoci unpack, on every corpus image that umoci unpacks${why(missing)}`,
  async t => {
    let same = 0
    const refused: string[] = []
    const began = Date.now() * 1e6
    const seen = new Set<string>()
    const unequal: string[] = []
    for (const source of imagePaths()) {
      const [layout, bundle, ours, flat] = ['layout', 'bundle', 'ours', 'flat'].map(name =>
        join(folder, name),
      )
      for (const path of [layout, bundle, ours, flat]) run('rm', ['-rf', path!])
      const options = { source, storeDirectory }
      try {
        const { images } = await convert({ ...options, destination: `oci:${layout}:x` })
        if (images.length !== 1 || seen.has(images[0]!.digest)) continue
        seen.add(images[0]!.digest)
        await convert({ ...options, destination: `dir:${ours}` })
        await convert({ ...options, destination: `rootfs:${flat}` })
      } catch (error) {
        // Damaged on purpose, several images, no file tree: test/verbs/corpus.test.ts tells of each.
        if (error instanceof LadingError) continue
        throw error
      }
      const peer = attempt('umoci', ['unpack', '--image', `${layout}:x:latest`, bundle!])
      if (peer.status !== 0) {
        refused.push(
          peer.stderr
            .trim()
            .replace(/^\s*⨯ /, '')
            .slice(0, 100),
        )
        continue
      }
      const [theirs, mine] = [diskListing(join(bundle!, 'rootfs')), diskListing(ours!)]
      const unknown = await implied(flat!)
      // Of a folder that a later layer changes without an entry for it, umoci leaves the time of its unpacking.
      for (const [path, entry] of Object.entries(theirs))
        if (Number(entry.mtime) >= began && mine[path]) mine[path].mtime = entry.mtime
      for (const listing of [theirs, mine])
        for (const [path, entry] of Object.entries(listing))
          if (unknown(path))
            for (const field of ['mtime', ...(path === '.' ? ['mode'] : [])]) delete entry[field]
      if (JSON.stringify(sorted(theirs)) === JSON.stringify(sorted(mine))) same++
      else unequal.push(`${source.slice(corpus!.length + 1)}: ${firstDifference(theirs, mine)}`)
    }
    t.log(`${same} images equal, ${unequal.length} unequal, ${refused.length} that umoci refuses`)
    for (const reason of new Set(refused)) t.log(`umoci: ${reason}`)
    for (const line of unequal) t.log(line)
    t.deepEqual(unequal, [])
    t.true(same > 40)
  },
)

const asUser = (...words: string[]) =>
  attempt('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', ...words])
const noUser =
  (isRoot ? undefined : 'not root') ??
  (has('setpriv') ? undefined : 'util-linux is not installed') ??
  (asUser(process.execPath, ladingProgram, '--version').status === 0
    ? undefined
    : 'an ordinary user cannot enter this folder')
when(noUser)(
  `an ordinary user unpacks, and what is packed again is the source's own tree${why(noUser)}`,
  async t => {
    const path = (text: string) => Buffer.from(text, 'latin1')
    const xattr = (name: string, value: string) => ({ name: path(name), value: path(value) })
    const at = (seconds: number, nanos: number) => ({ mtime: { seconds, nanos } })
    const entries: readonly WritableEntry[] = [
      { path: path('./'), type: 'directory', mode: 0o755, uid: 3, gid: 4, ...at(5, 6) },
      { path: path('closed/'), type: 'directory', mode: 0o000, uid: 1, gid: 1, ...at(1, 2) },
      { path: path('closed/\xff'), type: 'file', mode: 0o000, uid: 1000, gid: 100, ...at(3, 4) },
      {
        path: path('console'),
        type: 'character-device',
        mode: 0o620,
        gid: 5,
        devMajor: 5,
        devMinor: 1,
        ...at(7, 8),
      },
      {
        path: path('disk'),
        type: 'block-device',
        mode: 0o660,
        uid: 6,
        devMajor: 259,
        devMinor: 1_048_575,
        ...at(7, 8),
      },
      { path: path('fifo'), type: 'fifo', mode: 0o600, ...at(9, 0) },
      { path: path('fifo-of-another'), type: 'fifo', mode: 0o622, uid: 77, ...at(9, 0) },
      { path: path('link'), type: 'symlink', mode: 0o777, linkPath: path('closed'), ...at(10, 11) },
      {
        path: path('link-of-another'),
        type: 'symlink',
        mode: 0o777,
        uid: 8,
        gid: 9,
        linkPath: path('x'),
        ...at(12, 13),
      },
      {
        path: path('ping'),
        type: 'file',
        mode: 0o755,
        ...at(1, 0),
        xattrs: [xattr('security.capability', '\x01\0\0\x02\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0')],
      },
      {
        path: path('su'),
        type: 'file',
        mode: 0o4755,
        uid: 0,
        gid: 42,
        ...at(-5, 7),
        xattrs: [xattr('trusted.t', '\0'), xattr('user.u', 'v')],
      },
      {
        path: path('su-too'),
        type: 'hardlink',
        mode: 0o4755,
        uid: 0,
        gid: 42,
        linkPath: path('su'),
        ...at(-5, 7),
        xattrs: [xattr('trusted.t', '\0'), xattr('user.u', 'v')],
      },
    ]
    const home = mkdtempSync(join(folder, 'home-'))
    chmodSync(folder, 0o755)
    chownSync(home, 65534, 65534)
    const source = join(home, 'source.tar')
    writeFileSync(source, Buffer.concat([...entries.map(encodeEntry), endOfArchive]))
    chmodSync(source, 0o644)
    for (const [from, to] of [
      [`rootfs:${source}`, `dir:${home}/tree`],
      [`dir:${home}/tree`, `rootfs:${home}/again.tar`],
    ]) {
      const { status, stderr } = asUser(process.execPath, ladingProgram, 'convert', from!, to!)
      t.is(status, 0, stderr)
    }
    // Whoever reads it: the notes say whose the files are.
    await convert({ source: `dir:${home}/tree`, destination: `rootfs:${home}/by-root.tar`, storeDirectory })
    const [before, again, byRoot] = ['source', 'again', 'by-root'].map(name =>
      readFileSync(`${home}/${name}.tar`),
    )
    t.deepEqual(await summary(again!), await summary(before!))
    t.true(byRoot!.equals(again!))
    // What stands in for a device is an empty file; modes are as they were, also after the reading.
    const listing = diskListing(`${home}/tree`)
    t.is(listing.console?.type, 0o100000)
    t.is(listing.closed?.mode, 0)
  },
)

const summary = async (tar: Buffer) =>
  Array.from(
    await indexLayer(memorySource(tar)),
    ({ headerOffset: _, dataOffset: __, xattrs, ...entry }) => ({
      ...entry,
      xattrs: [...xattrs].sort((a, b) => Buffer.compare(a.name, b.name)),
    }),
  )

type Listing = ReturnType<typeof diskListing>
const sorted = (listing: Listing) => Object.entries(listing).sort(([a], [b]) => (a < b ? -1 : 1))
const firstDifference = (a: Listing, b: Listing): string => {
  for (const path of new Set([...Object.keys(a), ...Object.keys(b)]))
    if (JSON.stringify(a[path]) !== JSON.stringify(b[path]))
      return `${path}: umoci ${JSON.stringify(a[path])}, lading ${JSON.stringify(b[path])}`
  return 'nothing'
}
