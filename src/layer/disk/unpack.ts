import { setImmediate as breathe } from 'node:timers/promises'
import { settleAll } from '../../bytes/settle-all.js'
import { inThread, StopFlag, threadCount } from '../../bytes/threads.js'
import { LadingError } from '../../spec/errors.js'
import type { Contents } from '../content.js'
import type { UnpackLosses } from './attribute-writer.js'
import { type ContentWriter, writePart } from './part-writer.js'
import { Partition, type PlannedPart } from './partition.js'
import { loadSystemCalls } from './system-calls.js'
import { takeOver } from './take-over.js'
import type { TreeRow } from './tree-row.js'
import type { PartInput } from './unpack-part.js'
import { ContentCopier, pourContent } from './write-content.js'

export interface UnpackOptions {
  readonly onBytes?: (count: number) => void
  /** Raised when nobody wants the tree any more: then it throws ABORTED. */
  readonly stop?: StopFlag
  /** What the first parts weigh, in bytes; a file counts as 32 KiB more than it has. A tree of one part takes no thread. */
  readonly partWeight?: number
}

/** About as long as it takes to start a thread. */
const defaultWeight = 32 << 20

/**
 * Make `rows` (rows-of-tree.ts, rows-of-entries.ts) in the folder that is open as `root`, which is empty: part by
 * part (partition.ts), in threads where there are several parts and the contents lie in files. An ordinary user's notes are those of rootless-notes.ts. Throws what the file system
 * says, ENOSPC and the like, with the path, when nothing is being made any more; what was made is there.
 */
export const unpack = async (
  rows: Iterable<TreeRow>,
  contents: Pick<Contents, 'stored'>,
  root: number,
  { onBytes = () => {}, stop = new StopFlag(), partWeight = defaultWeight }: UnpackOptions = {},
): Promise<UnpackLosses> => {
  const system = await loadSystemCalls()
  const rules = takeOver(system, root)
  const smallest = threadCount > 1 ? partWeight : Number.POSITIVE_INFINITY
  const partition = new Partition(system, root, { privileged: rules.uid === 0, smallest })
  const pause = async () => {
    await breathe()
    if (stop.raised) throw new LadingError('ABORTED', 'Other work has failed')
  }
  const report = { advance: onBytes, pause }
  const copier = new ContentCopier(report)
  const writeHere = ({ part, streams }: Pick<PlannedPart, 'part' | 'streams'>) => {
    const write: ContentWriter['write'] = (fd, of, row) => {
      const stream = streams.get(row)
      return stream ? pourContent(fd, stream, contents, report) : copier.write(fd, of)
    }
    return writePart(system, part, rules, { write }, pause)
  }
  const writeThere = ({ part }: PlannedPart) => {
    const input: PartInput = { part, rules }
    return inThread<PartInput, UnpackLosses>(job, input, { onBytes, stop })
  }
  const works: Promise<UnpackLosses>[] = []
  try {
    try {
      for (const planned of partition.parts(rows)) {
        const isHere = planned.isWhole || planned.streams.size > 0
        const work = isHere ? writeHere(planned) : writeThere(planned)
        work.catch(() => stop.raise())
        works.push(work)
        if (isHere) await work
        await pause()
      }
    } catch (error) {
      works.push(Promise.reject(error))
    }
    const losses = await settleAll(works, stop)
    for (const part of partition.last()) losses.push(await writeHere({ part, streams: new Map() }))
    return sumOf(losses)
  } finally {
    partition.close()
  }
}

const job = new URL('./unpack-part.js', import.meta.url)

const sumOf = (all: readonly UnpackLosses[]): UnpackLosses => {
  const sum = { xattrs: 0, owners: 0, devices: 0, records: 0 }
  for (const losses of all)
    for (const name of Object.keys(sum) as (keyof UnpackLosses)[]) sum[name] += losses[name]
  return sum
}
