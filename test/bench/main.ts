/**
 * `npm run bench -- [--rounds N] [--only load,save,…] [--scaling] [--cache FOLDER] [--write]`: lading against its
 * peers, side by side, in one run. Prints the table; `--write` puts it into the README and, as JSON, beside this.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { noEngine, startEngine } from '../helpers/engine.js'
import { benchInput } from './archive.js'
import { imageRows } from './image-rows.js'
import { openMemory, openPlace } from './place.js'
import { machine, markdown, type Report, versions } from './report.js'
import { type RowResult, runRow } from './rounds.js'
import { runtimeRows } from './runtime-rows.js'
import { runScaling } from './scaling.js'
import { openWorkbench } from './workbench.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    scaling: { type: 'boolean', default: false },
    cache: { type: 'string', default: join(tmpdir(), 'lading-bench-cache') },
    write: { type: 'boolean', default: false },
  },
})

const readmeMarks = /(<!-- bench -->\n).*?(<!-- \/bench -->)/s
const rounds = Number(values.rounds)
const say = (line: string) => process.stderr.write(`${line}\n`)

say('Making the archive')
const input = benchInput(values.cache, { layers: 5, bytes: 504e6, files: 12_000 })
const place = openPlace(14e9, values.cache)
const rows: RowResult[] = []
try {
  const folder = join(place.path, 'work')
  mkdirSync(folder)
  const engine = noEngine === undefined ? await startEngine(place.path) : undefined
  try {
    const bench = openWorkbench({ folder, input, ...(engine && { engine }) })
    const all = { ...imageRows(bench), ...runtimeRows(bench) }
    for (const name of values.only?.split(',') ?? Object.keys(all)) {
      say(`Measuring ${name}`)
      const result = await runRow(all[name]!(), rounds, place)
      for (const { name, failed } of result.results) if (failed) say(`  ${name}: ${failed}`)
      rows.push(result)
    }
  } finally {
    await engine?.stop()
  }
} finally {
  place.remove()
}

const measureScaling = () => {
  say('Measuring costs against size')
  const memory = openMemory(9e9, values.cache)
  try {
    return runScaling(memory, values.cache, 3)
  } finally {
    memory.remove()
  }
}
const scaling = values.scaling ? measureScaling() : []
const report: Report = {
  ...{ machine: machine(), place: place.is, versions: versions() },
  ...{ input: { bytes: input.bytes, files: input.files }, rounds, rows, scaling },
}
const table = markdown(report)
process.stdout.write(`${table}\n`)
if (values.write) {
  writeFileSync('test/bench/result.json', `${JSON.stringify(report, null, 2)}\n`)
  const readme = readFileSync('README.md', 'utf8')
  writeFileSync(
    'README.md',
    readme.replace(readmeMarks, (_, open, close) => `${open}${table}\n${close}`),
  )
}
