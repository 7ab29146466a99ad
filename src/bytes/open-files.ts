import { type FileHandle, open } from 'node:fs/promises'
import type { FileRange } from './byte-stream.js'

/** Files that stay open for whoever asked for their descriptors; each path is opened once. */
export class OpenFiles implements AsyncDisposable {
  readonly #handles = new Map<string, Promise<FileHandle>>()

  /** The whole file at `path`. Throws what open(2) does. */
  async whole(path: string): Promise<FileRange> {
    const opening = this.#handles.get(path) ?? open(path, 'r')
    this.#handles.set(path, opening)
    const handle = await opening
    return { fd: handle.fd, offset: 0, length: (await handle.stat()).size }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#handles.values())
    this.#handles.clear()
    for (const result of opened) if (result.status === 'fulfilled') await result.value.close()
  }
}
