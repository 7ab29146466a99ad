import { normalizePath } from '../tar/names.js'
import { mergeTocs } from './merged-tree.js'
import type { Toc } from './toc.js'
import { whiteoutOf } from './whiteout.js'

/** A path whose bytes are carried although no one sees them. */
export interface WastedPath {
  readonly path: Buffer
  /** In the lower layers, hidden. */
  readonly bytes: number
  /** How many times it was there in vain. */
  readonly count: number
  /** By the last layer that hid it. */
  readonly how: 'deleted' | 'replaced'
  /** Layers, 0 first, that hold it in vain or hide it. */
  readonly layers: readonly number[]
}

export interface Waste {
  /** Most bytes first, then by path. */
  readonly paths: readonly WastedPath[]
  /** Bytes of content in all layers together, and those of them that are hidden. */
  readonly totalBytes: number
  readonly wastedBytes: number
  /**
   * 0 to 1 by dive's formula (dive/filetree/efficiency.go): over all paths, the smallest size that a path had
   * in any layer by the sum of its sizes in all of them. The whiteout of a file has size 0; that of a folder
   * is a path of its own, as large as what it hides.
   */
  readonly score: number
}

/** What lower layers hold that upper ones delete or replace. `tocs` base first. */
export const wasteOf = (tocs: readonly Toc[]): Waste => {
  const wasted = new Map<
    string,
    { bytes: number; count: number; how: WastedPath['how']; layers: Set<number> }
  >()
  const discovered = new Map<string, { sum: number; least: number }>()
  const discover = (path: string, size: number) => {
    const known = discovered.get(path)
    if (known === undefined) discovered.set(path, { sum: size, least: size })
    else {
      known.sum += size
      known.least = Math.min(known.least, size)
    }
  }

  let totalBytes = 0
  const targets = tocs.map(() => new Map<string, number>())
  for (const [layer, toc] of tocs.entries())
    for (const entry of toc) {
      const path = normalizePath(entry.path).toString('latin1')
      const whiteout = whiteoutOf(path)
      if (whiteout?.kind === 'whiteout') targets[layer]!.set(whiteout.target, 0)
      if (whiteout !== undefined || entry.type === 'directory') continue
      totalBytes += entry.storedSize
      discover(path, entry.size)
    }

  mergeTocs(tocs, ({ node, path, by, how }) => {
    const { layer, index, links, type } = node.inode
    // An inode that another name still shows is not wasted.
    if (index === undefined || type === 'directory' || links > 0) return
    const { storedSize: bytes, size } = tocs[layer]!.entry(index)
    const known = wasted.get(path) ?? { bytes: 0, count: 0, how, layers: new Set<number>() }
    wasted.set(path, {
      bytes: known.bytes + bytes,
      count: known.count + 1,
      how,
      layers: known.layers.add(layer).add(by),
    })
    const target = prefixes(path).find(prefix => targets[by]!.has(prefix))
    if (target !== undefined && target !== path) targets[by]!.set(target, targets[by]!.get(target)! + size)
  })
  for (const target of targets) for (const [path, size] of target) discover(path, size)

  let sum = 0
  let least = 0
  for (const value of discovered.values()) {
    sum += value.sum
    least += value.least
  }
  const paths = [...wasted]
    .map(([path, { layers, ...rest }]) => ({
      path: Buffer.from(path, 'latin1'),
      ...rest,
      layers: [...layers].sort((a, b) => a - b),
    }))
    .sort((a, b) => b.bytes - a.bytes || Buffer.compare(a.path, b.path))
  return {
    paths,
    totalBytes,
    wastedBytes: paths.reduce((total, { bytes }) => total + bytes, 0),
    score: sum === 0 ? 1 : least / sum,
  }
}

/** The path's folders from the top down, and the path. */
const prefixes = (path: string): string[] => {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}
