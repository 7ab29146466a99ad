import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { decompress } from '../../src/bytes/decompress.js'
import { openFile } from '../../src/bytes/file-source.js'
import { LadingError } from '../../src/spec/errors.js'
import type { TarEntry } from '../../src/tar/entry.js'
import { TarScanner } from '../../src/tar/scan-stream.js'

// Conformance tars of libarchive, Go, CPython and tar-stream, against Python's tarfile.
const corpus = process.env.LADING_CORPUS
const why = !corpus
  ? 'LADING_CORPUS is not set'
  : spawnSync('python3', ['--version']).status !== 0
    ? 'python3 is not installed'
    : undefined

/** Where the two differ, and who is right. */
const differences: Readonly<Record<string, string>> = {
  'content.tar.zst': 'Python 3.11 has no zstd',
  'gnu-incremental.tar': "Python takes GNU's times for a prefix of the name",
  'gnu-multi-hdrs.tar': 'of two long names Python takes the first, Go and we the last',
  'pax-bad-hdr-file.tar': 'a PAX record that is none: Python passes over it, Go and we refuse',
  'pax-bad-hdr-large.tar.bz2': 'a PAX header over 1 MiB: Go and we refuse',
  'pax-bad-mtime-file.tar': 'an mtime that is no number: Python takes 0, Go and we refuse',
  'pax-global-records.tar': 'Python applies global records, Go and we do not',
  'pax-multi-hdrs.tar': 'of two PAX headers Python takes both, Go and we only the last',
  'pax-nil-sparse-data.tar': 'Python does not know the logical size without a name record',
  'pax-nil-sparse-hole.tar': 'the same',
  'pax-nul-path.tar': 'a NUL in a path: Go and we refuse',
  'pax-pos-size-file.tar': 'header and PAX give two sizes: we refuse',
  'pax-sparse-big.tar': 'Python does not know the logical size without a name record',
  'test_compat_gzip_2.tgz': 'rubbish behind the gzip data: we refuse',
  'test_compat_solaris_tar_acl.tar': 'Solaris ACL entries are no files',
  'test_compat_zstd_1.tar.zst': 'Python 3.11 has no zstd',
  'test_compat_zstd_2.tar.zst': 'the same',
  'test_read_format_tar_empty_filename.tar': 'an entry without a name: we refuse',
  'test_read_format_tar_empty_with_gnulabel.tar': 'a volume label is no entry',
  'test_read_format_tar_pax_timestamps.tar': 'an mtime that is no number: we refuse',
  'test_read_format_tar_timestamp_overflow.tar': 'Python takes a size that overflows for 0',
  'test_read_pax_empty_val_no_nl.tar': 'a PAX record without its newline: GNU tar and we refuse',
  'recursion.tar': 'a global header and nothing behind it',
  'incomplete.tar': 'content whole, padding missing: nothing is lost, so we take it',
}

const script = `
import tarfile,sys,json
for name in sys.argv[1:]:
    try:
        entries=[[m.name.rstrip('/'),m.size if m.isreg() else 0,m.mode&0o7777,m.uid,m.gid,m.linkname if m.islnk() or m.issym() else ''] for m in tarfile.open(name,encoding='latin1')]
        print(json.dumps(entries))
    except Exception as error: print('null')
`

const tell = ({ path, size, mode, uid, gid, linkPath }: TarEntry) => [
  ...[path.toString('latin1').replace(/\/+$/, ''), size, mode, uid, gid, linkPath.toString('latin1')],
]
/** PAX values are UTF-8 to Python, so a name may come decoded. */
const same = (ours: readonly unknown[][] | null, theirs: readonly unknown[][] | null): boolean =>
  ours === null || theirs === null
    ? ours === theirs
    : ours.length === theirs.length &&
      ours.every((entry, index) =>
        entry.every((value, column) => {
          const other = theirs[index]![column]
          return (
            value === other ||
            (typeof value === 'string' && Buffer.from(value, 'latin1').toString() === other)
          )
        }),
      )

;(why ? test.skip : test)(
  `readTar: the conformance corpus as Python's tarfile reads it${why ? ` [skipped: ${why}]` : ''}`,
  async t => {
    const paths = readFileSync(join(corpus!, 'INDEX.tsv'), 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.split('\t'))
      .filter(([, , kind]) => /^(?:tar|layer|rootfs)/.test(kind ?? ''))
      .map(([path]) => join(corpus!, path!))
    const lines = execFileSync('python3', ['-c', script, ...paths], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    }).split('\n')
    let equal = 0
    const unexpected: string[] = []
    for (const [index, path] of paths.entries()) {
      let ours: unknown[][] | null = []
      try {
        await using file = await openFile(path)
        const scanner = new TarScanner({ entry: entry => ours!.push(tell(entry)) })
        for await (const chunk of (await decompress(file.stream(), { what: path })).stream)
          scanner.push(chunk)
        scanner.end()
      } catch (error) {
        if (!(error instanceof LadingError)) throw error
        ours = null
      }
      const theirs = JSON.parse(lines[index]!)
      if (same(ours, theirs)) equal++
      else if (differences[path.slice(path.lastIndexOf('/') + 1)] === undefined)
        unexpected.push(
          `${path}\n  ours ${JSON.stringify(ours)?.slice(0, 300)}\n  theirs ${JSON.stringify(theirs)?.slice(0, 300)}`,
        )
    }
    t.log(`${equal} of ${paths.length} equal, ${Object.keys(differences).length} known differences`)
    t.deepEqual(unexpected, [])
  },
)
