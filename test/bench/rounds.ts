import { type Command, type Measurement, measure, measureHere, median } from './measure.js'
import type { BenchPlace } from './place.js'

/** Somebody who does a piece of work. */
export interface Contestant {
  readonly name: string
  /** The command of a round, which gets names of its own; or what is done in this process. */
  readonly work: (round: number) => Command | (() => Promise<void>)
  /** Take away what a round has made; not measured. */
  readonly after?: (round: number) => void
}

export interface Row {
  readonly name: string
  readonly contestants: readonly Contestant[]
  /** How often, where that is not as usual: what is short and varies. */
  readonly rounds?: number
  /** By contestant: how many times faster lading has to be. */
  readonly wanted: Readonly<Record<string, number>>
  /** By contestant: how many seconds more lading may take, where a ratio says little. */
  readonly margins?: Readonly<Record<string, number>>
}

export interface RowResult {
  readonly name: string
  readonly wanted: Row['wanted']
  readonly margins: NonNullable<Row['margins']>
  /** Median seconds and largest memory by contestant, lading first; what it said, where it failed. */
  readonly results: readonly {
    readonly name: string
    readonly seconds: number
    readonly megabytes: number
    readonly rounds: readonly number[]
    readonly failed?: string
  }[]
}

/** One round to warm up, then `usual` ones or more, the contestants one after another, each round beginning with another one. */
export const runRow = async (row: Row, usual: number, place: BenchPlace): Promise<RowResult> => {
  const rounds = Math.max(usual, row.rounds ?? 0)
  const measured = new Map<string, Measurement[]>(row.contestants.map(({ name }) => [name, []]))
  const failed = new Map<string, string>()
  for (let round = 0; round <= rounds; round++) {
    const first = round % row.contestants.length
    for (const contestant of [...row.contestants.slice(first), ...row.contestants.slice(0, first)]) {
      if (failed.has(contestant.name)) continue
      place.settle()
      try {
        const work = contestant.work(round)
        const result = typeof work === 'function' ? await measureHere(work) : measure(work)
        if (round > 0) measured.get(contestant.name)!.push(result)
      } catch (error) {
        failed.set(contestant.name, (error as Error).message)
      }
      contestant.after?.(round)
    }
  }
  return {
    ...{ name: row.name, wanted: row.wanted, margins: row.margins ?? {} },
    results: row.contestants.map(({ name }) => {
      const all = measured.get(name)!
      const seconds = all.map(({ seconds }) => seconds)
      return {
        ...{ name, rounds: seconds, seconds: median(seconds) },
        megabytes: Math.max(0, ...all.map(({ megabytes }) => megabytes)),
        ...(failed.has(name) && { failed: failed.get(name)! }),
      }
    }),
  }
}
