import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { formatAge, formatMode, formatSize, formatTime } from '../../src/cli/format.js'
import { formatTable } from '../../src/cli/table.js'
import { globMatcher } from '../../src/verbs/glob.js'
import { dockerArchive, layerOf, randomImage, tarOf } from '../helpers/generate.js'
import { attempt, has, lading, ladingProgram } from '../helpers/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'cli-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const archive = join(folder, 'app.tar')
const damaged = join(folder, 'damaged.tar')
const hostile = join(folder, 'hostile.tar')
const danger = '\x1b]52;c;aGk=\x07\x1b[2J\u202e'
const words: readonly string[] = JSON.parse(
  '["load","save","export","import","convert","diff","inspect","history","ls","cat","find","waste","verify","images","tag","rmi","prune","df","fsck"]',
)

test.before(async () => {
  const base = layerOf(
    await tarOf([
      { name: 'etc/' },
      { name: 'etc/motd', body: 'hello\n', mode: 0o4711 },
      { name: 'etc/old', body: 'x'.repeat(500) },
      { name: 'link', type: 'symlink', linkname: '/etc/motd' },
    ]),
  )
  const top = layerOf(
    await tarOf([{ name: 'etc/.wh.old' }, { name: 'bin/tool', body: Buffer.from([0, 255, 10]) }]),
  )
  const image = await randomImage(1, { layers: [base, top] })
  writeFileSync(
    archive,
    await dockerArchive(
      [{ item: image, names: ['docker.io/library/app:1', 'docker.io/library/app:latest'] }],
      'middle',
    ),
  )
  const bytes = readFileSync(archive)
  bytes[bytes.indexOf('hello\n')]! ^= 1
  writeFileSync(damaged, bytes)
  const bad = layerOf(await tarOf([{ name: `etc/${danger}` }]))
  const config = {
    author: danger,
    config: { Labels: { [danger]: danger }, Cmd: [danger] },
    history: [{ created: danger, created_by: danger, comment: danger }],
  }
  writeFileSync(
    hostile,
    await dockerArchive(
      [{ item: await randomImage(2, { layers: [bad], config }), names: ['docker.io/library/bad:1'] }],
      'middle',
    ),
  )
})

/** The command with a store of its own, which must succeed. */
const ok = (
  t: { is(a: unknown, b: unknown, message?: string): void },
  store: string,
  ...args: string[]
): string => {
  const { status, stdout, stderr } = lading(['--store', join(folder, store), ...args])
  t.is(status, 0, `${args.join(' ')}: ${stderr}`)
  return stdout
}
const json = (...call: Parameters<typeof ok>) => JSON.parse(ok(...call))

test('a day with the store: load, images, tag, save, rmi, prune, df, fsck', t => {
  const store = 'day'
  t.is(ok(t, store, 'load', '-i', archive), 'Loaded image: app:1\nLoaded image: app:latest\n')
  const [image] = json(t, store, 'images', '--json')
  t.deepEqual(image.names, ['app:1', 'app:latest'])
  t.regex(
    ok(t, store, 'images'),
    /^NAME +IMAGE ID +DIGEST +PLATFORM +CREATED +SIZE\napp:1 +[0-9a-f]{12} +[0-9a-f]{12} +linux\/amd64 +\d+ \w+ ago +\S+B\n/,
  )
  ok(t, store, 'tag', 'app:1', 'team/app:2')
  ok(t, store, 'save', '-o', join(folder, 'out.tar'), 'team/app:2', image.ids[0].slice(7, 20))
  t.is(statSync(join(folder, 'out.tar')).mode & 0o777, 0o600)
  t.deepEqual(json(t, store, 'inspect', '--json', join(folder, 'out.tar')).images[0].names, ['team/app:2'])
  t.is(ok(t, store, 'rmi', 'app:1'), 'Untagged: app:1\n')
  const byId = lading(['--store', join(folder, store), 'rmi', image.ids[0]])
  t.is(byId.status, 1)
  t.regex(byId.stderr, /has several names \(.*\): use --force/)
  t.is(json(t, store, 'df', '--json').layers, 2)
  t.is(ok(t, store, 'fsck'), 'The store is as it should be\n')
  t.regex(
    ok(t, store, 'rmi', '-f', image.ids[0]),
    /Untagged: app:latest\nUntagged: team\/app:2\nDeleted: sha256:[0-9a-f]{64}\n$/,
  )
  t.like(json(t, store, 'prune', '--json'), { images: [], blobs: 0, bytes: 0, containers: [] })
  t.deepEqual(json(t, store, 'images', '--json'), [])
})

test('load: a name that moves is told, --tag renames, a second image by standard input', t => {
  const store = 'names'
  ok(t, store, 'load', '--sync', '-i', archive, '--tag', 'app:1=team/app:1')
  t.false(existsSync(join(folder, store, 'unsynced')))
  t.deepEqual(json(t, store, 'images', '--json')[0].names, ['team/app:1', 'app:latest'])
  const moved = lading(['--store', join(folder, store), 'load', '-i', hostile, '--tag', 'bad:1=app:latest'])
  t.regex(
    moved.stderr,
    /The image app:latest already exists, the old one with digest sha256:\S+ stays without that name/,
  )
  const again = lading(['--store', join(folder, store), 'load', '--json'], {
    input: gzipSync(readFileSync(archive)),
  })
  t.deepEqual(JSON.parse(again.stdout).images[0].names, ['app:1', 'app:latest'])
  t.is(lading(['--store', join(folder, store), 'load', '-i', archive, '--tag', 'none:1=x:1']).status, 1)
  t.is(lading(['--store', join(folder, store), 'load', '-i', archive, '--tag', 'nonsense']).status, 2)
})

test('looking: history, ls, cat, find, waste, verify of a file', t => {
  const rows = json(t, 'none', 'history', '--json', archive)
  t.is(rows.filter((row: { layer?: object }) => row.layer).length, 2)
  t.is(ok(t, 'none', 'ls', archive), 'bin/\netc/\nlink -> /etc/motd\n')
  t.is(ok(t, 'none', 'ls', '-R', archive, '/etc'), 'etc/motd\n')
  t.regex(
    ok(t, 'none', 'ls', '-l', archive, 'etc/motd'),
    /-rws--x--x +1 +0:0 +6 +1970-01-01 00:00:00 +etc\/motd/,
  )
  t.is(ok(t, 'none', 'ls', '--layer', '2', archive), 'etc/.wh.old\nbin/tool\n')
  t.is(ok(t, 'none', 'cat', archive, '/link'), 'hello\n')
  t.is(ok(t, 'none', 'find', archive, '**/mo?d'), 'etc/motd\n')
  t.regex(ok(t, 'none', 'waste', archive), /500B +1 +deleted +1,2 +etc\/old\n500B of 509B wasted; score/)
  t.regex(ok(t, 'none', 'verify', archive), /^Everything is as it should be: 1 image, 2 layers/)
  t.false(existsSync(join(folder, 'none')), 'looking makes no store')
  const tool = attempt(process.execPath, [
    '-e',
    `require('child_process').execFileSync(process.execPath,[${JSON.stringify(ladingProgram)},'cat',${JSON.stringify(archive)},'bin/tool']).equals(Buffer.from([0,255,10]))||process.exit(1)`,
  ])
  t.is(tool.status, 0, tool.stderr)
})

test('exit status: 0 done, 1 failed, 2 wrong usage, 3 found something', t => {
  const status = (...args: string[]) => lading(['--store', join(folder, 'status'), ...args]).status
  t.is(status('--help'), 0)
  t.is(status('--version'), 0)
  t.is(status('verify', archive), 0)
  t.is(status('verify', damaged), 3)
  t.is(status('inspect', join(folder, 'nothing.tar')), 1)
  t.regex(
    lading(['--store', join(folder, 'status'), 'inspect', 'nothing.tar']).stderr,
    /There is no file "nothing.tar", and no image of that name/,
  )
  t.is(status('cat', archive, '/nothing'), 1)
  t.is(status('inspect'), 2)
  t.is(status('nonsense'), 2)
  t.is(status('ls', '--layer', 'x', archive), 2)
  t.is(status('save', '--format', 'zip', 'x'), 2)
  t.is(status(), 2)
})

test('errors: one line that says what was done, found and wanted; a stack only with --debug', t => {
  const failed = lading(['--store', join(folder, 'errors'), 'load', '-i', damaged])
  t.regex(
    failed.stderr,
    /^lading: Cannot load \S+damaged.tar: .*layer 1 of 2 \(sha256:[0-9a-f]{12}…\).*found sha256:[0-9a-f]{64}, wanted sha256:[0-9a-f]{64}\n$/,
  )
  t.regex(lading(['--debug', 'inspect', join(folder, 'nothing')]).stderr, /\n +at /)
  t.regex(lading(['verify', damaged]).stdout, /DIGEST_MISMATCH/)
})

test('every command: help that ends with examples, and JSON where it reports', t => {
  for (const word of words) {
    const { status, stdout } = lading([word, '--help'])
    t.is(status, 0, word)
    t.regex(stdout, /\nExamples:\n(?: {2}\$ .*lading .*\n?){2,}/, word)
    t.regex(stdout, /--json/, word)
  }
  const listed = lading(['--help']).stdout
  for (const word of words) t.regex(listed, new RegExp(`\\n  ${word}\\b`), word)
})

const script = has('script')
;(script ? test : test.skip)(
  `a terminal sees no control character of a foreign archive${script ? '' : ' [skipped: script is not installed]'}`,
  t => {
    const store = join(folder, 'hostile-store')
    for (const args of [
      ...[
        ['inspect', hostile],
        ['history', '--no-trunc', hostile],
        ['history', hostile],
        ['ls', '-R', hostile],
        ['ls', '-lR', hostile],
        ['find', hostile, '*'],
      ],
      ...[
        ['verify', hostile],
        ['waste', hostile],
        ['inspect', '--json', hostile],
        ['load', '-i', hostile],
        ['images'],
        ['ls', '--json', '-R', hostile],
      ],
    ]) {
      const command = [process.execPath, ladingProgram, '--store', store, '--progress', 'none', ...args]
        .map(word => `'${word}'`)
        .join(' ')
      const { stdout } = attempt('script', ['-qec', command, '/dev/null'])
      t.true(stdout.length > 0, args.join(' '))
      t.notRegex(stdout.replace(/[\r\n\t]/g, ''), /[\p{Cc}\u202e]/u, args.join(' '))
    }
  },
)

test('--progress: plain lines and JSON lines on standard error, silence without', t => {
  const store = ['--store', join(folder, 'progress'), 'load', '-i', archive]
  t.regex(lading(['--progress', 'plain', ...store]).stderr, /Loading \S+kB\nLoading done: \S+ in [\d.]+s\n/)
  const lines = lading(['--progress', 'json', ...store])
    .stderr.trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.true(lines.some(line => line.task === 'Loading' && line.ended === true))
  t.is(lading(store).stderr, '')
})

;(script ? test : test.skip)(
  `--progress: bars on a terminal for what takes a while${script ? '' : ' [skipped: script is not installed]'}`,
  async t => {
    // What lading does takes less than the patience of the bars; so a piece of work that takes its time.
    const program = join(folder, 'slow.mjs')
    writeFileSync(
      program,
      `import { setTimeout as sleep } from 'node:timers/promises'
      import { barProgress } from '${pathToFileURL(join(process.cwd(), 'dist/src/cli/progress.js'))}'
      const task = barProgress().begin('Loading', 157e6)
      for (let done = 0; done < 157; done++) {
        task.advance(1e6)
        await sleep(5)
      }
      task.end()`,
    )
    t.regex(
      attempt('script', ['-qec', `'${process.execPath}' '${program}'`, '/dev/null']).stdout,
      /Loading \[=+ *\] \S+MB of 157MB \S+[MG]B\/s \d+s left/,
    )
  },
)

test('formatSize, formatAge, formatMode, formatTime, formatTable: as people read', t => {
  t.deepEqual([0, 999, 1000, 1234, 999_999, 1_500_000_000].map(formatSize), [
    '0B',
    '999B',
    '1kB',
    '1.23kB',
    '1MB',
    '1.5GB',
  ])
  const now = Date.parse('2024-01-31T00:00:00Z')
  t.is(formatAge('2024-01-30T00:00:00Z', now), '1 day ago')
  t.is(formatAge('2024-01-01T00:00:00Z', now), '1 month ago')
  t.is(formatAge('nonsense\x1b', now), 'nonsense\\x1b')
  t.is(formatMode('directory', 0o1777), 'drwxrwxrwt')
  t.is(formatMode('file', 0o4644), '-rwSr--r--'.replace('x', 'x'))
  t.is(formatTime({ seconds: -1, nanos: 0 }), '1969-12-31 23:59:59')
  t.deepEqual(
    formatTable(
      ['A', 'B'],
      [
        ['x', '10'],
        ['long', '5'],
      ],
      [1],
    ),
    ['A       B', 'x      10', 'long    5'],
  )
})

test('globMatcher: names without a slash, paths with one, ** across folders', t => {
  const cases: [string, string, boolean][] = [
    ['*.conf', 'etc/a.conf', true],
    ['*.conf', 'etc/a.conf.d', false],
    ['etc/*', 'etc/a/b', false],
    ['etc/**', 'etc/a/b', true],
    ['**/b', 'b', true],
    ['/etc/?', 'etc/a', true],
    ['[a-c]*', 'x/bob', true],
    ['[!a]*', 'x/a', false],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['grün*', Buffer.from('grünes').toString('latin1'), true],
    ['a.b', 'axb', false],
    ['(a|b)+', '(a|b)+', true],
  ]
  for (const [glob, path, wanted] of cases) t.is(globMatcher(glob)(path), wanted, `${glob} ${path}`)
})
