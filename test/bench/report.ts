import { cpus, totalmem } from 'node:os'
import { attempt, has } from '../helpers/programs.js'
import type { RowResult } from './rounds.js'
import type { Scaling } from './scaling.js'

export interface Report {
  readonly machine: string
  readonly place: string
  readonly versions: readonly string[]
  readonly input: { readonly bytes: number; readonly files: number }
  readonly rounds: number
  readonly rows: readonly RowResult[]
  readonly scaling: readonly Scaling[]
}

export const machine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model.trim() ?? process.arch}, ${Math.round(totalmem() / 2 ** 30)} GiB`

/** The first line of what each program says of its version. */
export const versions = (): readonly string[] => [
  `node ${process.version}`,
  ...['docker', 'dockerd', 'podman', 'skopeo', 'umoci', 'tar', 'gzip']
    .filter(has)
    .map(program => attempt(program, ['--version']).stdout.split('\n')[0]!.trim()),
]

/** How many times faster lading is than somebody; below 1 it is slower. */
export const ratioOf = (row: RowResult, name: string): number =>
  row.results.find(result => result.name === name)!.seconds / row.results[0]!.seconds

/** What is wanted against somebody, and whether it was seen; '' where nothing is. */
const goalOf = (row: RowResult, name: string): string => {
  const outcome = (reached: boolean) => (reached ? 'reached' : 'missed')
  const [wanted, margin] = [row.wanted[name], row.margins[name]]
  if (wanted !== undefined)
    return `${wanted < 1 ? wanted.toFixed(2) : wanted} ${outcome(ratioOf(row, name) >= wanted)}`
  if (margin === undefined) return ''
  const more = row.results[0]!.seconds - row.results.find(result => result.name === name)!.seconds
  return `at most +${margin * 1000} ms ${outcome(more <= margin)}: +${Math.round(more * 1000)} ms`
}

/** The report as Markdown: a line a pair of lading and a peer, then the looks and the scaling. */
export const markdown = (report: Report): string => {
  const { machine, place, versions, input, rounds, rows, scaling } = report
  const seconds = (value: number) => (Number.isFinite(value) ? value.toFixed(value < 1 ? 3 : 2) : 'failed')
  const lines = rows.flatMap(row => {
    const [own, ...others] = row.results
    return others.map(other => {
      const ratio = ratioOf(row, other.name)
      const goal = goalOf(row, other.name)
      return `| ${row.name} | ${own!.name} | ${seconds(own!.seconds)} | ${Math.round(own!.megabytes)} | ${other.name} | ${seconds(other.seconds)} | ${Number.isFinite(ratio) ? ratio.toFixed(2) : '–'} | ${goal} |`
    })
  })
  return [
    `${(input.bytes / 1e6).toFixed(0)} MB, ${input.files} files, medians of ${rounds} interleaved rounds after one to warm up, on ${place}; ${machine}; ${versions.join('; ')}.`,
    '',
    '| work | | seconds | peak MB | against | seconds | ratio | wanted |',
    '|---|---|---:|---:|---|---:|---:|---|',
    ...lines,
    ...(scaling.length === 0
      ? []
      : [
          '',
          'Costs against size, on tmpfs:',
          '',
          '| cost against size | sizes | seconds | peak MB | exponent of time | exponent of memory |',
          '|---|---|---|---|---:|---:|',
          ...scaling.map(
            ({ name, sizes, points, time, memory }) =>
              `| ${name} | ${sizes.join(', ')} | ${points.map(({ seconds: value }) => seconds(value)).join(', ')} | ${points.map(({ megabytes }) => Math.round(megabytes)).join(', ')} | ${time.toFixed(2)} | ${memory.toFixed(2)} |`,
          ),
        ]),
  ].join('\n')
}
