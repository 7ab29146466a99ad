import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { encodeEntry, endOfArchive, padding } from '../../src/tar/write.js'
import { ladingProgram } from '../helpers/programs.js'
import { exponent, type Measurement, measure, median } from './measure.js'
import type { BenchPlace } from './place.js'

/** One command over inputs of growing size. */
export interface Scaling {
  readonly name: string
  readonly sizes: readonly string[]
  readonly points: readonly Measurement[]
  /** Exponents of seconds and megabytes against the size: 1 is linear. */
  readonly time: number
  readonly memory: number
}

/** A flat tar of `files` files with `bytes` of content in all, the same every time it is asked for. */
const flatTar = (cache: string, files: number, bytes: number): string => {
  const path = join(cache, `flat-${files}-${bytes}.tar`)
  if (existsSync(path)) return path
  mkdirSync(cache, { recursive: true })
  const draft = `${path}.draft`
  const fd = openSync(draft, 'w')
  const content = randomFillSync(Buffer.alloc(Math.min(1 << 24, Math.ceil(bytes / files))))
  const each = Math.floor(bytes / files)
  for (let index = 0; index < files; index++) {
    const name = `d${String(Math.floor(index / 100)).padStart(5, '0')}/f${index}`
    writeSync(fd, encodeEntry({ path: Buffer.from(name), type: 'file', size: each }))
    for (let left = each; left > 0; left -= content.length) writeSync(fd, content.subarray(0, left))
    writeSync(fd, padding(each))
  }
  writeSync(fd, endOfArchive)
  closeSync(fd)
  renameSync(draft, path)
  return path
}

const kinds = {
  bytes: {
    sizes: [1, 2, 4].map(size => ({ x: size, label: `${size} GB`, files: 200, bytes: size * 1e9 })),
  },
  files: {
    sizes: [1_000, 10_000, 100_000].map(files => ({
      x: files,
      label: `${files} files`,
      files,
      bytes: files * 4096,
    })),
  },
} as const

/** import, save and export of flat tars of growing bytes, and of growing numbers of files. */
export const runScaling = (place: BenchPlace, cache: string, rounds: number): readonly Scaling[] => {
  const store = join(place.path, 'scaling')
  const out = join(place.path, 'scaling.tar')
  const lading = (...words: string[]) => ({
    words: [process.execPath, ladingProgram, '--store', store, ...words],
  })
  const works = {
    import: (input: string) => lading('import', input, 'scaling:1'),
    save: () => lading('save', '-o', out, 'scaling:1'),
    export: () => lading('export', '-o', out, 'scaling:1'),
  }
  return Object.entries(kinds).flatMap(([kind, { sizes }]) => {
    const measured = new Map<string, Measurement[]>(Object.keys(works).map(name => [name, []]))
    for (const { files, bytes } of sizes) {
      const input = flatTar(cache, files, bytes)
      const all = new Map<string, Measurement[]>(Object.keys(works).map(name => [name, []]))
      for (let round = 0; round < rounds; round++)
        for (const [name, work] of Object.entries(works)) {
          if (name === 'import') rmSync(store, { recursive: true, force: true })
          rmSync(out, { force: true })
          place.settle()
          all.get(name)!.push(measure(work(input)))
        }
      rmSync(store, { recursive: true, force: true })
      rmSync(out, { force: true })
      for (const [name, results] of all)
        measured.get(name)!.push({
          seconds: median(results.map(({ seconds }) => seconds)),
          megabytes: Math.max(...results.map(({ megabytes }) => megabytes)),
        })
    }
    return [...measured].map(([name, points]) => {
      const fitted = (field: keyof Measurement) =>
        exponent(points.map((point, index) => [sizes[index]!.x, point[field]]))
      return {
        ...{ name: `${name}, by ${kind}`, sizes: sizes.map(({ label }) => label), points },
        ...{ time: fitted('seconds'), memory: fitted('megabytes') },
      }
    })
  })
}
