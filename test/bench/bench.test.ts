import { existsSync } from 'node:fs'
import test from 'ava'
import { exponent, measure, median } from './measure.js'
import { markdown } from './report.js'

test('median: of odd and even many, in any order', t => {
  t.is(median([3, 1, 2]), 2)
  t.is(median([4, 1, 3, 2]), 2.5)
})

test('exponent: of linear, square and constant costs', t => {
  const costs = (cost: (x: number) => number) => [1, 2, 4, 8].map(x => [x, cost(x)] as const)
  t.true(Math.abs(exponent(costs(x => 3 * x)) - 1) < 1e-9)
  t.true(Math.abs(exponent(costs(x => x * x)) - 2) < 1e-9)
  t.true(Math.abs(exponent(costs(() => 5))) < 1e-9)
})

const timed = existsSync('/usr/bin/time')
;(timed ? test : test.skip)(
  `measure: the time and memory of a command, and what it says when it fails${timed ? '' : ' [skipped: GNU time is not installed]'}`,
  t => {
    const { seconds, megabytes } = measure({ words: ['sh', '-c', 'sleep 0.2'] })
    t.true(seconds >= 0.2 && seconds < 5, `${seconds}`)
    t.true(megabytes > 0.5 && megabytes < 100, `${megabytes}`)
    const error = t.throws(() => measure({ words: ['sh', '-c', 'echo oh no >&2; exit 3'] }))
    t.regex(error.message, /ended with 3: oh no/)
  },
)

test('markdown: a line a pair, with what was wanted and whether it was reached', t => {
  const result = (name: string, seconds: number) => ({ name, seconds, megabytes: 50, rounds: [seconds] })
  const table = markdown({
    ...{ machine: 'a machine', place: 'a place', versions: [], rounds: 1, scaling: [] },
    input: { bytes: 504e6, files: 12_000 },
    rows: [
      {
        ...{ name: 'work', wanted: { peer: 10, slow: 3 }, margins: { node: 0.06 } },
        results: [result('lading', 1), result('peer', 8), result('slow', 4), result('node', 0.98)],
      },
    ],
  })
  t.regex(table, /\| work \| lading \| 1\.00 \| 50 \| peer \| 8\.00 \| 8\.00 \| 10 missed \|/)
  t.regex(table, /slow \| 4\.00 \| 4\.00 \| 3 reached \|/)
  t.regex(table, /node \| 0\.980 \| 0\.98 \| at most \+60 ms reached: \+20 ms \|/)
})
