import { mkdtemp, open, rm } from 'node:fs/promises'
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
  /** Write all of a stream; what was written. */
  append(stream: ByteStream): Promise<ByteSource>
}

export const openSpoolFile = async (): Promise<SpoolFile> => {
  const folder = await mkdtemp(join(tmpdir(), 'lading-'))
  const handle = await open(join(folder, 'spool'), 'wx+', 0o600)
  await rm(folder, { recursive: true })
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
  return {
    write,
    cut,
    append: async stream => {
      // What an append that failed has left is nobody's.
      cut()
      for await (const chunk of stream) await write(chunk)
      return cut()
    },
    [Symbol.asyncDispose]: () => handle.close(),
  }
}
