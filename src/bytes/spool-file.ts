import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ByteSource, ByteStream } from './byte-stream.js'
import { fileSource } from './file-source.js'
import { writeChunk } from './write-file.js'

/** A temporary file that has no name: the system takes it back when it is closed, however the process ends. */
export interface SpoolFile extends AsyncDisposable {
  /** Append to what is there. */
  write(chunk: Uint8Array): Promise<void>
  /** Everything written since the last cut, readable until the file is closed. */
  cut(): ByteSource
  /** Write all of a stream; what was written. One append waits for another. */
  append(stream: ByteStream): Promise<ByteSource>
  /** What `work` has written into a file of its own, from its beginning: it returns how many bytes. Side by side, if wanted. */
  fill(work: (fd: number) => Promise<number>): Promise<ByteSource>
}

export const openSpoolFile = async (): Promise<SpoolFile> => {
  const handle = await openUnnamed()
  const others: FileHandle[] = []
  let start = 0
  let end = 0
  const write = async (chunk: Uint8Array): Promise<void> => {
    await writeChunk(handle.fd, chunk)
    end += chunk.length
  }
  const cut = (): ByteSource => {
    const source = fileSource({ fd: handle.fd, offset: start, length: end - start })
    start = end
    return source
  }
  const append = async (stream: ByteStream): Promise<ByteSource> => {
    // What an append that failed has left is nobody's.
    cut()
    for await (const chunk of stream) await write(chunk)
    return cut()
  }
  let appended: Promise<unknown> = Promise.resolve()
  return {
    write,
    cut,
    append: stream => {
      const appending = appended.then(() => append(stream))
      appended = appending.catch(() => {})
      return appending
    },
    fill: async work => {
      const other = await openUnnamed()
      others.push(other)
      return fileSource({ fd: other.fd, offset: 0, length: await work(other.fd) })
    },
    [Symbol.asyncDispose]: async () => {
      for (const other of others) await other.close()
      await handle.close()
    },
  }
}

const openUnnamed = async (): Promise<FileHandle> => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-'))
  const handle = await open(join(folder, 'spool'), 'wx+', 0o600)
  await rm(folder, { recursive: true })
  return handle
}
