import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { LadingError } from '../../src/spec/errors.js'
import { convert } from '../../src/verbs/convert.js'
import { exportSnapshot } from '../../src/verbs/export.js'
import { ociLayout } from '../helpers/generate.js'
import { type Case, imageOf, readCase, readCases } from './case.js'
import { differences, listTar, listTree } from './listing.js'
import { type Made, type Peer, peers } from './peers.js'
import { disagreementTable, reasonList, totalsOf, totalsTable } from './table.js'

const folder = mkdtempSync(join(tmpdir(), 'flatten-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

const storeDirectory = join(folder, 'store')

/** The image of a case as an OCI layout. */
const layoutOf = async (one: Case): Promise<string> => {
  const layout = join(folder, one.name)
  ociLayout(layout, [{ item: await imageOf(one), names: ['docker.io/library/case:1'] }])
  return layout
}

/** The image in a layout as lading exports it. */
const exported = async (layout: string, bare: boolean): Promise<Buffer> => {
  const output = `${layout}-${bare ? 'bare' : 'whole'}.tar`
  await exportSnapshot({ place: `oci:${layout}`, output, bare, storeDirectory })
  return readFileSync(output)
}

const cases = readCases()
for (const one of cases)
  test(`flatten: ${one.title}`, async t => {
    const layout = await layoutOf(one)
    if (one.tree === undefined) {
      await t.throwsAsync(exported(layout, true), { instanceOf: LadingError })
      return
    }
    const wanted = listTree(one.tree)
    for (const bare of [false, true]) {
      const found = await listTar(await exported(layout, bare))
      t.deepEqual(differences(wanted, found, { nanos: !bare, xattrs: !bare }), [])
      t.deepEqual([...found.keys()], [...wanted.keys()], 'the order')
    }
  })

test('convert: layers of every case squashed, any that stand together, leave its tree', async t => {
  for (const one of cases.filter(({ layers }) => layers.length > 1 && layers.length <= 5))
    for (let from = 1; one.tree && from < one.layers.length; from++)
      for (let to = from + 1; to <= one.layers.length; to++) {
        const layout = await layoutOf({ ...one, name: `squash-${one.name}` })
        const squashed = `${layout}-${from}-${to}`
        const [source, destination] = [`oci:${layout}`, `oci:${squashed}`]
        await convert({ source, destination, squash: { from, to }, storeDirectory })
        const found = await listTar(await exported(squashed, false))
        const name = `${one.name}, ${from} to ${to}`
        t.deepEqual(differences(listTree(one.tree), found, { nanos: true, xattrs: true }), [], name)
      }
})

test('readCase: what is wrong in a file is said with its place', t => {
  const good = { title: 'A title of a case', why: 'a section of it', layers: [[{ path: 'd/x' }]] }
  const message = (change: object, name = 'good-name') =>
    t.throws(() => readCase(name, JSON.stringify({ ...good, ...change })))?.message
  t.is(message({ tree: [] }, 'Bad_Name'), 'Bad case Bad_Name: its name is not kebab-case')
  t.is(message({}), 'Bad case good-name: it needs a "tree" or a "refuse", and not both')
  t.is(message({ tree: [{ path: 'd/x' }] }), 'Bad case good-name: "d/x" has no parent before it')
  t.is(message({ tree: [{ path: 'b' }, { path: 'a' }] }), 'Bad case good-name: "a" is not in byte order')
  t.is(
    message({ tree: [{ path: 'b', hardlink: 'a' }] }),
    'Bad case good-name: "b" is one file with "a", which is not before it',
  )
  t.regex(message({ tree: [{ path: 'b', mode: '8' }] })!, /^Bad case good-name: tree\.0\.mode: /)
  t.regex(message({ tree: [], layer: 1 })!, /^Bad case good-name: layer: /)
})

test('flatten: README.md tells what the cases tell', t => {
  // The formatter aligns tables.
  const plain = (text: string) => text.replaceAll(/ +/g, ' ').replaceAll(/-{2,}/g, '--')
  const readme = plain(readFileSync('test/flatten/README.md', 'utf8'))
  for (const part of [totalsTable(cases), disagreementTable(cases), reasonList(cases)])
    t.true(readme.includes(plain(part)), part)
  t.true(readme.includes(`${cases.length} cases`))
})

for (const kind of peers) {
  const skip = kind.missing
  const title = `flatten: ${kind.name} disagrees where the cases say so, and nowhere else`
  ;(skip ? test.skip : test)(`${title}${skip ? ` [skipped: ${skip}]` : ''}`, async t => {
    const peer = await kind.start()
    try {
      const found = new Map<string, { outcome: string; how: string }>()
      for (const one of cases) {
        const made = await peer.flatten(await imageOf(one), one.name)
        const judged = judge(one, made, peer)
        if (judged) found.set(one.name, judged)
      }
      const totals = totalsOf(cases, name => found.get(name)?.outcome)
      t.log(
        `${kind.name} (${peer.version}): ${totals.right} right, ${totals.wrong} wrong, ${totals.refuses} refused`,
      )
      for (const { name, disagree } of cases) {
        const [is, said] = [found.get(name), disagree?.[kind.name]]
        if (is?.outcome !== said?.outcome)
          t.log(
            `${name}: ${is?.outcome ?? 'right'}, not ${said?.outcome ?? 'right'}; ${is?.how ?? said?.reason}`,
          )
      }
      if (!kind.known.test(peer.version)) {
        t.pass()
        return
      }
      const outcomes = (of: (one: Case) => string | undefined) =>
        Object.fromEntries(cases.flatMap(one => (of(one) === undefined ? [] : [[one.name, of(one)]])))
      t.deepEqual(
        outcomes(({ name }) => found.get(name)?.outcome),
        outcomes(({ disagree }) => disagree?.[kind.name]?.outcome),
      )
    } finally {
      await peer.stop()
    }
  })
}

/** What is not right in what a peer made of a case, and undefined if all is. */
const judge = (
  { tree }: Case,
  made: Made,
  { stubs, sight }: Peer,
): { outcome: string; how: string } | undefined => {
  if ('refused' in made)
    return tree === undefined
      ? undefined
      : { outcome: 'refuses', how: made.refused.replaceAll(/\s+/g, ' ').slice(0, 200) }
  if (tree === undefined) return { outcome: 'wrong', how: 'it is not refused' }
  const left = new Map([...made].filter(([path]) => !stubs.includes(path)))
  const how = differences(listTree(tree), left, sight)
  return how.length === 0 ? undefined : { outcome: 'wrong', how: how.slice(0, 3).join('; ') }
}
