import { Track } from '../bytes/hash-behind.js'
import { StopFlag, worthAThread } from '../bytes/threads.js'
import { writeInOrder } from '../bytes/write-in-order.js'
import type { Contents } from './content.js'
import type { FlatEntry } from './flat-entry.js'
import { flatTar } from './flat-tar.js'
import type { MeasuredLayer } from './measure.js'
import { measureBehind } from './measure-behind.js'
import { measureRegion } from './measure-region.js'

/**
 * Write entries as a layer's tar into the file `fd`, and measure it in the same pass: of much, a thread reads what
 * has just been written. `what` names it in messages. Throws what reading the contents throws.
 */
export const writeLayer = async (
  fd: number,
  entries: readonly FlatEntry[],
  contents: Contents,
  what: string,
): Promise<MeasuredLayer> => {
  const parts = flatTar(entries, contents)
  const bytes = entries.reduce((sum, { content }) => sum + 1024 + (content?.entry.storedSize ?? 0), 0)
  if (bytes < worthAThread) {
    const length = await writeInOrder(fd, parts)
    return measureRegion({ file: { fd, offset: 0, length }, what })
  }
  const track = new Track()
  const stop = new StopFlag()
  const measuring = measureBehind({ fd, what, track: track.memory }, { stop })
  try {
    await writeInOrder(fd, parts, length => track.reach(length))
    track.end()
    return await measuring
  } catch (error) {
    stop.raise()
    await measuring.catch(() => {})
    throw error
  }
}
