import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { noBusybox } from '../../helpers/busybox-image.js'
import { type Engine, noEngine, startEngine } from '../../helpers/engine.js'
import { attempt, eachOf, isRoot, lading } from '../../helpers/programs.js'
import { type Case, type ProgramName, programs } from './case.js'
import { Images } from './images.js'
import { readme } from './readme.js'
import { type Caller, dockerCaller, ladingCaller, noTerminal, runCase } from './run-case.js'
import { subjects } from './subjects.js'

// The cases run in the background, some at once; each test waits for its own. README.md is the table.
const missing =
  process.platform !== 'linux' ? 'made for Linux' : isRoot ? noBusybox : 'containers of docker need root'
const cases = subjects.flatMap(({ cases }) => cases)
const needsTerminal = ({ steps }: Case) => steps.some(step => typeof step === 'object' && 'types' in step)
const absent = (which: Case) => missing ?? (needsTerminal(which) ? noTerminal : undefined)

const folder = mkdtempSync(join(tmpdir(), 'behaviour-'))
const store = join(folder, 'store')
let engine: Engine | undefined
type Found = Readonly<Partial<Record<ProgramName, readonly string[]>>>
const found = new Map<Case, Promise<Found>>()
let all: Promise<void> | undefined

test.before(async () => {
  if (missing) return
  if (noEngine === undefined) engine = await startEngine()
  const images = new Images(cases.map(({ image }) => image))
  await images.load({ folder, store, ...(engine && { engine: { ...engine.env } }) })
  const callers: readonly Caller[] = [ladingCaller(store), ...(engine ? [dockerCaller(engine.env)] : [])]
  const settle = new Map<Case, (outcome: Promise<Found>) => void>()
  for (const which of cases) {
    const outcome = new Promise<Found>(resolve => settle.set(which, resolve))
    outcome.catch(() => {})
    found.set(which, outcome)
  }
  all = eachOf(
    cases.filter(which => absent(which) === undefined),
    4,
    async which => {
      const at = { image: images.nameOf(which.image), number: cases.indexOf(which), folder }
      const outcome = Promise.all(
        callers.map(async caller => [caller.name, await runCase(which, caller, at)] as const),
      ).then(Object.fromEntries) as Promise<Found>
      settle.get(which)!(outcome)
      await outcome.catch(() => {})
    },
  )
})

test.after.always(async () => {
  await all
  if (engine) {
    const env = { ...engine.env }
    const running = attempt('docker', ['ps', '-q'], { env }).stdout.split('\n').filter(Boolean)
    if (running.length > 0) attempt('docker', ['rm', '-f', ...running], { env })
    await engine.stop()
  }
  if (!missing) {
    const left = lading(['--store', store, 'ps', '-aq']).stdout.split('\n').filter(Boolean)
    if (left.length > 0) lading(['--store', store, 'rm', '-fv', ...left])
    lading(['--store', store, 'prune'])
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

test('README.md is the table of these cases', t => {
  const file = 'test/runtime/behaviour/README.md'
  if (process.env.LADING_WRITE) writeFileSync(file, readme())
  t.is(readFileSync(file, 'utf8'), readme(), `LADING_WRITE=1 npx ava ${file.replace('README.md', '')}`)
})

test('names of cases are unique', t => {
  for (const { title, cases } of subjects)
    t.is(new Set(cases.map(({ name }) => name)).size, cases.length, title)
})

for (const { title, cases } of subjects)
  for (const which of cases) {
    const why = absent(which)
    const check = why === undefined ? test.serial : test.serial.skip
    const { name, expect, lading } = which
    check(`${title.toLowerCase()}: ${name}${why === undefined ? '' : ` [skipped: ${why}]`}`, async t => {
      const outcomes = await found.get(which)!
      const wanted = { docker: [expect].flat(), lading: [lading?.expect ?? expect].flat() }
      for (const program of programs)
        if (outcomes[program]) t.deepEqual(outcomes[program], wanted[program], program)
      if (lading) t.notDeepEqual(wanted.lading, wanted.docker, 'a declared difference that is none')
    })
  }
