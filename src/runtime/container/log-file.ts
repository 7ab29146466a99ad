import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'

export type LogStream = 'stdout' | 'stderr'

/** Docker's json-file: one JSON object a line, the log's text with its line end. */
export interface LogEntry {
  readonly log: string
  readonly stream: LogStream
  /** RFC 3339. */
  readonly time: string
}

/** As docker's daemon cuts long lines. */
const longestLine = 16 << 10
const newline = 0x0a

export const logLimits = { bytes: 10_000_000, files: 3 }

/** The files of a log that may be there, oldest first. */
export const logFiles = (path: string, files = logLimits.files): readonly string[] => [
  ...Array.from({ length: files - 1 }, (_, index) => `${path}.${files - 1 - index}`),
  path,
]

/**
 * Writes what a container says, whole lines as they come and what is left at the end. When a file reaches its limit it is
 * renamed, and the oldest goes. Synchronous: what has been taken in is in the file, however this process ends.
 */
export class LogFile {
  readonly #path: string
  readonly #limits: { readonly bytes: number; readonly files: number }
  #descriptor: number
  #size: number
  readonly #rest: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }

  constructor(path: string, limits: { readonly bytes: number; readonly files: number } = logLimits) {
    this.#path = path
    this.#limits = limits
    this.#descriptor = openSync(path, 'a', 0o600)
    this.#size = fstatSync(this.#descriptor).size
  }

  write(stream: LogStream, chunk: Buffer): void {
    const bytes = this.#rest[stream].length > 0 ? Buffer.concat([this.#rest[stream], chunk]) : chunk
    const time = new Date().toISOString()
    let at = 0
    let text = ''
    for (;;) {
      const end = bytes.indexOf(newline, at)
      if (end < 0 && bytes.length - at < longestLine) break
      const next = end < 0 ? at + longestLine : Math.min(end + 1, at + longestLine)
      text += entryLine({ log: bytes.toString('utf8', at, next), stream, time })
      at = next
    }
    this.#rest[stream] = Buffer.from(bytes.subarray(at))
    if (text !== '') this.#append(text)
  }

  close(): void {
    const time = new Date().toISOString()
    for (const stream of ['stdout', 'stderr'] as const)
      if (this.#rest[stream].length > 0)
        this.#append(entryLine({ log: this.#rest[stream].toString('utf8'), stream, time }))
    closeSync(this.#descriptor)
  }

  #append(text: string): void {
    if (this.#size > 0 && this.#size + text.length > this.#limits.bytes) this.#rotate()
    this.#size += writeSync(this.#descriptor, text)
  }

  #rotate(): void {
    closeSync(this.#descriptor)
    const files = logFiles(this.#path, this.#limits.files)
    for (const [index, file] of files.slice(1).entries())
      try {
        renameSync(file, files[index]!)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      }
    this.#descriptor = openSync(this.#path, 'a', 0o600)
    this.#size = 0
  }
}

const entryLine = (entry: LogEntry): string => `${JSON.stringify(entry)}\n`
