import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'

/**
 * Replace a JSON file of a record: readers see the old one or the new one. `durable` waits for the disk; what is
 * only true while the machine is up need not. Synchronous: these are small, and starting a container must not wait in queues.
 */
export const writeRecordFile = (path: string, value: unknown, { durable }: { durable: boolean }): void => {
  const draft = `${path}.${process.pid}`
  const descriptor = openSync(draft, 'w', 0o600)
  try {
    writeSync(descriptor, `${JSON.stringify(value, null, 2)}\n`)
    if (durable) fsyncSync(descriptor)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
  renameSync(draft, path)
}

/** What writeRecordFile wrote; undefined where there is none. Throws STORE_CORRUPT. */
export const readRecordFile = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (error instanceof SyntaxError)
      throw new LadingError('STORE_CORRUPT', `Cannot read ${path}: it is not the JSON that it was written as`)
    throw error
  }
}
