import { type Command, type Measurement, measure, median } from './measure.js'
import type { BenchPlace } from './place.js'

/** Somebody who does a piece of work. */
export interface Contestant {
  readonly name: string
  /** The command of a round, which gets names of its own. */
  readonly command: (round: number) => Command
  /** Take away what a round has made; not measured. */
  readonly after?: (round: number) => void
}

export interface Row {
  readonly name: string
  readonly contestants: readonly Contestant[]
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

/** One round to warm up, then `rounds`, the contestants one after another, each round beginning with another one. */
export const runRow = (row: Row, rounds: number, place: BenchPlace): RowResult => {
  const measured = new Map<string, Measurement[]>(row.contestants.map(({ name }) => [name, []]))
  const failed = new Map<string, string>()
  for (let round = 0; round <= rounds; round++) {
    const first = round % row.contestants.length
    for (const contestant of [...row.contestants.slice(first), ...row.contestants.slice(0, first)]) {
      if (failed.has(contestant.name)) continue
      place.settle()
      try {
        const result = measure(contestant.command(round))
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
