import { type FileHandle, open } from 'node:fs/promises'
import { LadingError } from '../spec/errors.js'
import type { FileRange } from './byte-stream.js'
import { readOnly } from './file-source.js'

/** Files that stay open for whoever asked for their descriptors; each path is opened once. */
export class OpenFiles implements AsyncDisposable {
  readonly #handles = new Map<string, Promise<FileHandle>>()

  /** The whole file at `path`. Throws what open(2) does; UNSUPPORTED for a folder, a FIFO or a device. */
  async whole(path: string): Promise<FileRange> {
    const opening = this.#handles.get(path) ?? open(path, readOnly)
    this.#handles.set(path, opening)
    const handle = await opening
    const status = await handle.stat()
    if (!status.isFile())
      throw new LadingError('UNSUPPORTED', `Cannot read ${path}: it is not a regular file`)
    return { fd: handle.fd, offset: 0, length: status.size }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#handles.values())
    this.#handles.clear()
    for (const result of opened) if (result.status === 'fulfilled') await result.value.close()
  }
}
