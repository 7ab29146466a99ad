import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  capabilitiesInStatus,
  capabilityMask,
  capabilityNames,
} from '../../../src/runtime/launcher/capabilities.js'
import { archiveOf, busyboxEntries, imageOf, noBusybox } from '../../helpers/busybox-image.js'
import { type Engine, noEngine, startEngine } from '../../helpers/engine.js'
import { eachOf, has, isRoot, lading, run } from '../../helpers/programs.js'
import { callDifferences } from './call-differences.js'
import { agrees, type Host, type RuntimeName, runtimes } from './check.js'
import { attempts } from './checks/attempts.js'
import { hostileImages, outcomeIn } from './hostile-images.js'
import { buildHostileImages, harmToVictim, makeVictim, removeVictim, runHostile } from './hostile-run.js'
import { probeProgram } from './probe-program.js'
import { readme } from './readme.js'
import { type Answers, groups, image, runChecks, startIn } from './run-checks.js'
import { aspects, flagCases, flagsScript, readAspects, titleOf } from './security-flags.js'
import { systemCallProbe } from './system-calls.js'

// One container a runtime answers all checks; README.md is the table.
const missing =
  process.platform !== 'linux' || process.arch !== 'x64'
    ? 'made for Linux on x86-64'
    : isRoot
      ? noBusybox
      : 'containers of all runtimes need root'
const absent: Readonly<Record<RuntimeName, string | undefined>> = {
  launcher: missing,
  runc: missing ?? (has('runc') ? undefined : 'runc is not installed'),
  docker: missing ?? noEngine,
}
const there = runtimes.filter(runtime => absent[runtime] === undefined)
const when = (missing: string | undefined) => (missing === undefined ? test.serial : test.serial.skip)
const why = (missing: string | undefined) => (missing === undefined ? '' : ` [skipped: ${missing}]`)

const folder = mkdtempSync(join(tmpdir(), 'isolation-'))
const store = join(folder, 'store')
let engine: Engine | undefined
const answers = new Map<RuntimeName, Answers>()
const host: Host = {
  namespace: kind => readlinkSync(`/proc/self/ns/${kind}`),
  file: path => readFileSync(path, 'utf8'),
}
const places = () => ({ store, ...(engine && { engine: engine.env }) })

const load = async (name: string, images: Parameters<typeof archiveOf>[0]) => {
  const [made, archive] = [join(folder, `${name}.made.tar`), join(folder, `${name}.tar`)]
  writeFileSync(made, await archiveOf(images))
  const program = ['--store', store]
  for (const args of [
    ['load', '-i', made],
    ['save', '-o', archive, ...Object.keys(images)],
  ]) {
    const { status, stderr } = lading([...program, ...args])
    if (status !== 0) throw new Error(stderr)
  }
  if (engine) run('docker', ['load', '-i', archive], { env: engine.env })
}

test.before(async () => {
  if (missing) return
  if (absent.docker === undefined) engine = await startEngine()
  makeVictim()
  const probes = [
    { name: 'probes/' },
    { name: 'probes/calls', body: systemCallProbe(), mode: 0o755 },
    { name: 'probes/attempts', body: probeProgram(attempts.map(({ calls }) => calls)), mode: 0o755 },
  ]
  await load('checks', { [image]: await imageOf([busyboxEntries(), probes]) })
  await load('hostile', await buildHostileImages())
  for (const runtime of there) answers.set(runtime, await runChecks(runtime, places()))
})

test.after.always(async () => {
  await engine?.stop()
  removeVictim()
  rmSync(folder, { recursive: true, force: true })
})

test('README.md is the table of these checks', t => {
  const file = 'test/runtime/isolation/README.md'
  if (process.env.LADING_WRITE) writeFileSync(file, readme())
  t.is(readFileSync(file, 'utf8'), readme(), `LADING_WRITE=1 npx ava ${file.replace('README.md', '')}`)
})

for (const { title, checks } of groups)
  for (const check of checks)
    when(missing)(`container: ${title.toLowerCase()}: ${check.name}${why(missing)}`, t => {
      const { read = (answer: string) => answer, expect, differs } = check
      const found = there.map(runtime => {
        const answer = answers.get(runtime)!.checks.get(check.name)
        return [runtime, answer === undefined ? 'no answer' : read(answer, host)] as const
      })
      const docker = found.find(([runtime]) => runtime === 'docker')?.[1]
      for (const [runtime, answer] of found) {
        const difference = runtime === 'docker' ? undefined : differs?.[runtime]
        const wanted = difference?.expect ?? expect
        t.true(agrees(answer, wanted), `${runtime}: "${answer}" where ${wanted} is wanted`)
        if (docker !== undefined && runtime !== 'docker')
          t.is(answer !== docker, difference !== undefined, `${runtime}: "${answer}", docker: "${docker}"`)
      }
    })

when(missing)(
  `container: every system call is answered as by docker, or the table says why${why(missing)}`,
  t => {
    for (const runtime of there) {
      const { calls } = answers.get(runtime)!
      t.true(calls.size > 470)
      for (const { calls: names, ...answer } of callDifferences)
        for (const name of names) t.is(calls.get(name), answer[runtime], `${runtime}: ${name}`)
      const docker = answers.get('docker')?.calls
      const explained = new Set(callDifferences.flatMap(({ calls: names }) => names))
      for (const [name, answer] of docker ?? [])
        if (!explained.has(name)) t.is(calls.get(name), answer, `${runtime}: ${name}`)
    }
  },
)

for (const runtime of runtimes)
  when(absent[runtime])(`hostile images harm nothing: ${runtime}${why(absent[runtime])}`, async t => {
    await eachOf(hostileImages, 4, async (hostile, index) => {
      if (hostile.runtimes && !hostile.runtimes.includes(runtime)) return
      const { outcome, details } = await runHostile(runtime, hostile, index, places())
      t.is(outcome, outcomeIn(hostile, runtime), `${hostile.name}: ${details}`)
      t.deepEqual(harmToVictim(), [], hostile.name)
    })
  })

when(missing)(`hostile images harm nothing: launcher, unpacked layers${why(missing)}`, async t => {
  await eachOf(hostileImages, 4, async (hostile, index) => {
    const { outcome, details } = await runHostile('launcher', hostile, index, places(), 'overlay')
    t.is(outcome, outcomeIn(hostile, 'launcher'), `${hostile.name}: ${details}`)
    t.deepEqual(harmToVictim(), [], hostile.name)
  })
})

const hasAll =
  missing === undefined &&
  capabilitiesInStatus(host.file('/proc/self/status'), 'CapEff') === capabilityMask(capabilityNames)

when(missing ?? absent.docker ?? absent.runc)(
  `flags give a container as much as docker gives it${why(missing ?? absent.docker ?? absent.runc)}`,
  async t => {
    const wrong: unknown[] = []
    await eachOf(flagCases, 4, async flagCase => {
      const look = async (runtime: RuntimeName) => {
        const command = ['sh', '-c', flagsScript()]
        return startIn(runtime, { image, command, flags: flagCase.flags }, places())
      }
      let reference = await look('docker')
      // Docker gives all or nothing, where root itself does not have all: runc is what is held against then.
      if (/unable to apply caps/.test(reference.stderr) && !hasAll) reference = await look('runc')
      const own = await look('launcher')
      t.deepEqual([reference.status, own.status], [0, 0], titleOf(flagCase) + reference.stderr + own.stderr)
      const [wanted, found] = [readAspects(reference.stdout), readAspects(own.stdout)]
      t.deepEqual(Object.keys(wanted), Object.keys(aspects), titleOf(flagCase))
      for (const [aspect, answer] of Object.entries({ ...wanted, ...flagCase.differs }))
        if (found[aspect] !== answer) wrong.push([titleOf(flagCase), aspect, found[aspect], answer])
    })
    t.deepEqual(wrong, [])
  },
)
