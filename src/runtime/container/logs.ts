import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { type LogEntry, logFiles } from './log-file.js'
import { type Container, reread } from './record.js'
import { isActive } from './state.js'

export interface LogOptions {
  /** Only so many of the last lines; absent: all. */
  readonly tail?: number
  /** Go on until the container ends. */
  readonly follow?: boolean
  /** Milliseconds since 1970: nothing before, nothing after. */
  readonly since?: number
  readonly until?: number
}

/** How often a log is looked at for more. */
const pause = 50

/** What a container said, in order. A log that is being rotated is read to its end. Throws STORE_CORRUPT for what is no log. */
export async function* readLogs(container: Container, options: LogOptions = {}): AsyncGenerator<LogEntry> {
  const { tail, follow = false, since = -Infinity, until = Infinity } = options
  const wanted = ({ time }: LogEntry) => Date.parse(time) >= since && Date.parse(time) <= until
  let reader = openLog(container.places.log)
  // The newest is open before the older ones are read: what is rotated meanwhile is not read twice.
  const older = logFiles(container.places.log).slice(0, -1).map(openLog)
  try {
    if (tail === undefined) {
      for (const file of older) for (const entry of file?.read() ?? []) if (wanted(entry)) yield entry
    } else {
      const last: LogEntry[] = [...(reader?.read() ?? [])]
      for (const file of older.toReversed()) {
        if (last.length >= tail) break
        last.unshift(...(file?.read() ?? []))
      }
      for (const entry of tail === 0 ? [] : last.slice(-tail)) if (wanted(entry)) yield entry
    }
    for (;;) {
      // Looked at first: what it said before its end is in the file by then.
      const goesOn = follow && isRunning(container)
      for (const entry of reader?.read() ?? []) if (wanted(entry)) yield entry
      if (reader === undefined || reader.isRotated()) {
        const next = openLog(container.places.log)
        if (next !== undefined) {
          for (const entry of reader?.read() ?? []) if (wanted(entry)) yield entry
          reader?.close()
          reader = next
          continue
        }
      }
      if (!goesOn) return
      await sleep(pause)
    }
  } finally {
    for (const file of [reader, ...older]) file?.close()
  }
}

const isRunning = (container: Container): boolean => {
  try {
    return isActive(reread(container).state)
  } catch (error) {
    if (error instanceof LadingError && error.code === 'NOT_FOUND') return false
    throw error
  }
}

interface OpenLog {
  /** Whole lines that have come since the last time. */
  read(): Generator<LogEntry>
  /** Whether another file has its name now. */
  isRotated(): boolean
  close(): void
}

const openLog = (path: string): OpenLog | undefined => {
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const { ino } = fstatSync(descriptor)
  const chunk = Buffer.alloc(1 << 16)
  let rest = Buffer.alloc(0)
  return {
    *read() {
      for (let length = readSync(descriptor, chunk); length > 0; length = readSync(descriptor, chunk)) {
        const bytes = Buffer.concat([rest, chunk.subarray(0, length)])
        const end = bytes.lastIndexOf(0x0a) + 1
        rest = bytes.subarray(end)
        for (const line of bytes.toString('utf8', 0, end).split('\n'))
          if (line !== '') yield parseEntry(line, path)
      }
    },
    isRotated: () => statSync(path, { throwIfNoEntry: false })?.ino !== ino,
    close: () => closeSync(descriptor),
  }
}

const parseEntry = (line: string, path: string): LogEntry => {
  try {
    return JSON.parse(line) as LogEntry
  } catch {
    throw new LadingError('STORE_CORRUPT', `Cannot read ${path}: it has a line that is no log entry`)
  }
}
