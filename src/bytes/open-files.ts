import { closeSync, fstatSync, openSync } from 'node:fs'
import { LadingError } from '../spec/errors.js'
import type { FileRange } from './byte-stream.js'
import { readOnly } from './file-source.js'

/** Files that stay open for whoever asked for their descriptors; each path is opened once. */
export class OpenFiles implements Disposable {
  readonly #files = new Map<string, FileRange>()

  /** The whole file at `path`. Throws what open(2) does; UNSUPPORTED for a folder, a FIFO or a device. */
  whole(path: string): FileRange {
    const opened = this.#files.get(path)
    if (opened) return opened
    const fd = openSync(path, readOnly)
    const status = fstatSync(fd)
    if (!status.isFile()) {
      closeSync(fd)
      throw new LadingError('UNSUPPORTED', `Cannot read ${path}: it is not a regular file`)
    }
    const file = { fd, offset: 0, length: status.size }
    this.#files.set(path, file)
    return file
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.#files.values()) closeSync(fd)
    this.#files.clear()
  }
}
