import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import test from 'ava'

// Bottom to top: a folder imports only itself and folders before it.
const floors = ['spec', 'bytes', 'tar', 'layer', 'image', 'store', 'transports', 'verbs', 'runtime', 'cli']

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.ts'))
  .sort()
const textOf = (name: string) => readFileSync(join('src', name), 'utf8')
const importsOf = (name: string) =>
  [...textOf(name).matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)'(\.[^']+)'/g)].map(match =>
    normalize(join(dirname(name), match[1]!)).replace(/(\.js)?$/, '.ts'),
  )
const floorOf = (name: string) => floors.indexOf(name.split('/')[0]!)

test('every source lies on a known floor, except the public API', t => {
  for (const name of sources) t.true(name === 'index.ts' || floorOf(name) >= 0, name)
})

test('a floor imports only floors below it', t => {
  for (const name of sources.filter(name => name !== 'index.ts'))
    for (const target of importsOf(name))
      t.true(floorOf(target) <= floorOf(name), `${name} imports ${target}`)
})

test('a medium does not import another medium', t => {
  const medium = (name: string) => /^transports\/([^/]+)\//.exec(name)?.[1]
  // What all archives and all layouts share; and the file that is both is made of its halves.
  const shared = (name: string, target: string) =>
    ['archive', 'layout'].includes(medium(target)!) ||
    (medium(name) === 'hybrid-archive' && ['docker-archive', 'oci-archive'].includes(medium(target)!))
  const crossings = sources
    .filter(name => medium(name))
    .flatMap(name => importsOf(name).map(target => ({ name, target })))
    .filter(({ name, target }) => medium(target) && medium(target) !== medium(name) && !shared(name, target))
  t.deepEqual(crossings, [])
})

test('imports have no cycles', t => {
  const done = new Set<string>()
  const visit = (name: string, path: readonly string[]): void => {
    t.false(path.includes(name), [...path, name].join(' → '))
    if (done.has(name) || path.includes(name)) return
    for (const target of importsOf(name)) visit(target, [...path, name])
    done.add(name)
  }
  for (const name of sources) visit(name, [])
  t.is(done.size, sources.length)
})

test('names are kebab-case and nothing is called utils', t => {
  for (const name of sources)
    t.regex(name, /^(?!.*\b(?:utils?|helpers?|common|misc)\b)[a-z0-9-]+(?:\/[a-z0-9-]+)*(?:\.d)?\.ts$/)
})

test('a file over 250 lines says why in its header', t => {
  for (const name of sources) {
    const text = textOf(name)
    t.true(text.split('\n').length <= 251 || /Long because/.test(text.slice(0, 2000)), name)
  }
})

test('every folder of src has its twin in test', t => {
  const tested = new Set(readdirSync('test'))
  for (const floor of new Set(sources.filter(name => name !== 'index.ts').map(name => name.split('/')[0]!)))
    t.true(tested.has(floor), `test/${floor} is missing`)
})
