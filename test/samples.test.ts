import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { archiveOf, busyboxEntries, imageOf, noBusybox } from './helpers/busybox-image.js'
import { dockerArchive, randomImage } from './helpers/generate.js'
import { attempt, lading, run } from './helpers/programs.js'
import { missingForContainers } from './runtime/run-container.js'

// Each program in samples/ as it is compiled, on a generated archive.
const folder = mkdtempSync(join(tmpdir(), 'samples-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const sample = (name: string, ...args: readonly string[]) =>
  run(process.execPath, [join('dist/samples', `${name}.js`), ...args])

const input = join(folder, 'app.tar')
const image = randomImage(31)
test.before(async () =>
  writeFileSync(
    input,
    await dockerArchive([{ item: await image, names: ['docker.io/library/app:1'] }], 'middle'),
  ),
)

test('list-images names every image, its platform and its layers', async t => {
  const printed = sample('list-images', input)
  t.regex(printed, /^app:1 {2}sha256:[0-9a-f]{64}\n {2}linux\/amd64, 3 layers\n/)
  for (const { diffId } of (await image).layers) t.true(printed.includes(diffId))
})

test('deleted-files lists what a layer deletes', t => {
  t.regex(sample('deleted-files', input), /^layer 2 of 3: layer0\/file1$/m)
})

test('convert-archive writes every format, and says what it cannot read', async t => {
  for (const format of ['both', 'docker', 'oci']) {
    const output = join(folder, `${format}.tar`)
    sample('convert-archive', input, output, format)
    const printed = sample('list-images', output)
    for (const { diffId } of (await image).layers) t.true(printed.includes(diffId), format)
  }
  const bad = join(folder, 'bad.tar')
  writeFileSync(bad, 'no archive at all')
  const { status, stderr } = attempt(process.execPath, [
    'dist/samples/convert-archive.js',
    bad,
    join(folder, 'none.tar'),
  ])
  t.is(status, 1)
  t.regex(stderr, /^NOT_AN_IMAGE: /)
  t.false(readdirSync(folder).includes('none.tar'))
})

test('load-and-save keeps the image ID and gives the same bytes twice', async t => {
  const twice = ['a', 'b'].map(name => {
    const printed = sample('load-and-save', input, join(folder, `store-${name}`), join(folder, `${name}.tar`))
    return { printed, bytes: readFileSync(join(folder, `${name}.tar`)) }
  })
  t.regex(twice[0]!.printed, new RegExp(`^loaded app:1: ${(await image).id}$`, 'm'))
  t.true(twice[0]!.bytes.equals(twice[1]!.bytes))
})

const noContainers = missingForContainers ?? noBusybox
;(noContainers === undefined ? test : test.skip)(
  `run-and-commit runs a program and makes an image of what it has changed${noContainers === undefined ? '' : ` [skipped: ${noContainers}]`}`,
  async t => {
    const archive = join(folder, 'busybox.tar')
    writeFileSync(archive, await archiveOf({ 'library/box:1': await imageOf([busyboxEntries()]) }))
    const store = join(folder, 'containers')
    const printed = sample(
      'run-and-commit',
      archive,
      store,
      'box:2',
      'sh',
      '-c',
      'echo it runs; echo new > /new',
    )
    t.regex(printed, /^it runs\nbox:2: sha256:[0-9a-f]{64}\n$/)
    t.is(lading(['--store', store, 'cat', 'box:2', '/new']).stdout, 'new\n')
    t.is(lading(['--store', store, 'ps', '-aq']).stdout, '')
  },
)

test('demo makes an archive, and the command line inspects, loads, lists, saves and verifies it', t => {
  const printed = sample('demo')
  for (const command of ['inspect', 'load', 'history', 'ls', 'save', 'verify'])
    t.regex(printed, new RegExp(`^\\$ lading ${command} `, 'm'))
  t.false(printed.includes('cache.bin\n'))
})
