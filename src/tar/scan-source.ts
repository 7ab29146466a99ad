import type { ByteSource } from '../bytes/byte-stream.js'
import { HeaderWindow } from './header-window.js'
import { PlainLane } from './plain-lane.js'
import { readTar, type TarEvents } from './reader.js'

/** The tar reader for bytes that can be read from anywhere: headers only, the content of large files is never touched. */
export const scanSource = async (source: ByteSource, events: TarEvents): Promise<void> => {
  const window = source.file && new HeaderWindow(source.file)
  const lane = window && events.plain && new PlainLane(events.plain)
  const machine = readTar(events, lane)
  let at = 0
  for (let step = machine.next(); !step.done; ) {
    const { skip, take, fresh } = step.value
    at += skip
    if (fresh && lane) at = window.run(lane, at)
    const missing = at - source.size
    if (missing > 0) {
      lane?.keepPath()
      step = machine.next(missing)
      continue
    }
    const length = Math.min(take, source.size - at)
    const bytes = window?.read(at, length) ?? (await source.read({ offset: at, length }))
    at += length
    step = machine.next(bytes)
  }
}
