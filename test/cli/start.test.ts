import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Script } from 'node:vm'
import test from 'ava'
import { dockerArchive, randomImage } from '../helpers/generate.js'
import { lading } from '../helpers/programs.js'

const folder = mkdtempSync(join(tmpdir(), 'start-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const archive = join(folder, 'app.tar')
test.before(async () =>
  writeFileSync(archive, await dockerArchive([{ item: await randomImage(5), names: ['app:1'] }], 'middle')),
)

const root = `${pathToFileURL('.').href}/`
let runs = 0

/** Every module that a command loads: those of this package by path, those of Node with `node:`. */
const loaded = (...words: readonly string[]): readonly string[] => {
  const coverage = join(folder, `${++runs}`)
  const { status, stderr } = lading(words, { env: { NODE_V8_COVERAGE: coverage } })
  if (status !== 0) throw new Error(stderr)
  return readdirSync(coverage).flatMap(name => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8'))
    return (result as { url: string }[]).map(({ url }) => url.replace(root, ''))
  })
}

const unwanted =
  /^node:(?:worker_threads|child_process|https?|zlib|dns)$|koffi|fzstd|cli-progress|tar-stream|xz-decompress|zstd-wasm/

for (const verb of ['inspect', 'history', 'ls']) {
  test(`${verb} starts from the bundle alone, without what it does not use`, t => {
    const modules = loaded(verb, archive)
    t.deepEqual(
      modules.filter(name => !name.startsWith('node:')),
      ['bin/lading.js', 'lading.cjs'],
    )
    t.deepEqual(
      modules.filter(name => unwanted.test(name)),
      [],
    )
  })

  test(`${verb} runs no other command, no store, no decoder, no sink`, t => {
    const modules = loaded('--debug', verb, archive)
    t.deepEqual(
      modules.filter(name => name.includes('/commands/')),
      [`dist/src/cli/commands/${verb}.js`],
    )
    const others =
      /^dist\/src\/(?:store\/(?!places)|layer\/disk\/|bytes\/\w+-decode\.js|.*\/(?:sink|writer)\.js)/
    t.deepEqual(
      modules.filter(name => others.test(name)),
      [],
    )
  })
}

test('--version loads no command', t => {
  t.deepEqual(
    loaded('--debug', '--version').filter(name => /\/(?:commands|verbs)\//.test(name)),
    [],
  )
})

test('the code of the bundle is what this Node takes', t => {
  const { cachedDataRejected } = new Script(readFileSync('dist/lading.cjs', 'utf8'), {
    cachedData: readFileSync('dist/lading.code'),
  })
  t.false(cachedDataRejected)
})

test('modules in the bundle know where they lie', t => {
  t.false(readFileSync('dist/lading.cjs', 'utf8').includes('import.meta'))
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  t.is(lading(['--version']).stdout, `${version}\n`)
})

test('a stack trace of --debug names sources', t => {
  const { stderr } = lading(['--debug', 'inspect', join(folder, 'nothing')])
  t.regex(stderr, /\n +at .*\/src\/cli\/main\.ts:\d+/)
})
