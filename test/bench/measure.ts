import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Command {
  readonly words: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface Measurement {
  readonly seconds: number
  /** The largest resident set of a process of the command, in MB; a daemon's is not in it. */
  readonly megabytes: number
}

/** Run a command to its end under GNU time. Throws what it said when it fails. */
export const measure = ({ words, env = {} }: Command): Measurement => {
  const folder = mkdtempSync(join(tmpdir(), 'measure-'))
  try {
    const report = join(folder, 'time')
    const clean = { ...process.env, ...env }
    // It triples the start of every node process, and is no part of what is measured.
    delete clean.NODE_EXTRA_CA_CERTS
    // As a shell gives it: what Node calls a pipe is a socket, which no container may have as its own.
    const said = openSync(join(folder, 'said'), 'wx+')
    const began = process.hrtime.bigint()
    const { status, error } = spawnSync('/usr/bin/time', ['-f', '%M', '-o', report, ...words], {
      env: clean,
      stdio: ['ignore', 'ignore', said],
    })
    const seconds = Number(process.hrtime.bigint() - began) / 1e9
    closeSync(said)
    if (error) throw error
    if (status !== 0) {
      const end = readFileSync(join(folder, 'said'), 'utf8').slice(-500)
      throw new Error(`${words.join(' ')} ended with ${status}: ${end}`)
    }
    return { seconds, megabytes: Number(readFileSync(report, 'utf8').trim().split('\n').at(-1)) / 1000 }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The same for what this process does itself, whose memory says nothing. */
export const measureHere = async (work: () => Promise<void>): Promise<Measurement> => {
  const began = process.hrtime.bigint()
  await work()
  return { seconds: Number(process.hrtime.bigint() - began) / 1e9, megabytes: 0 }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The exponent e of y = c·xᵉ that fits best: the slope of the logarithms, by least squares. */
export const exponent = (points: readonly (readonly [x: number, y: number])[]): number => {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const)
  const mean = (at: 0 | 1) => logs.reduce((sum, point) => sum + point[at], 0) / logs.length
  const [x, y] = [mean(0), mean(1)]
  const over = logs.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0)
  return over / logs.reduce((sum, [a]) => sum + (a - x) ** 2, 0)
}
