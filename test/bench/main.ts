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
import { openPlace } from './place.js'
import { machine, markdown, type Report, versions } from './report.js'
import { type RowResult, runRow } from './rounds.js'
import { allRows } from './rows.js'
import { runScaling } from './scaling.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    scaling: { type: 'boolean', default: false },
    cache: { type: 'string', default: join(tmpdir(), 'lading-bench-cache') },
    write: { type: 'boolean', default: false },
  },
})

export const readmeMarks = /(<!-- bench -->\n).*?(<!-- \/bench -->)/s
const rounds = Number(values.rounds)
const say = (line: string) => process.stderr.write(`${line}\n`)

say('Making the archive')
const input = benchInput(values.cache, { layers: 5, bytes: 504e6, files: 12_000 })
const place = openPlace(14e9, values.cache)
const folder = join(place.path, 'work')
mkdirSync(folder)
const engine = noEngine === undefined ? await startEngine(place.path) : undefined
const rows: RowResult[] = []
try {
  const all = allRows({ folder, input, ...(engine && { engine }) })
  for (const name of values.only?.split(',') ?? Object.keys(all)) {
    say(`Measuring ${name}`)
    const result = runRow(all[name]!(), rounds, place)
    for (const { name, failed } of result.results) if (failed) say(`  ${name}: ${failed}`)
    rows.push(result)
  }
  const scaling = values.scaling ? runScaling(place, values.cache, 3) : []
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
} finally {
  await engine?.stop()
  place.remove()
}
