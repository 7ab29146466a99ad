import { write as writeCallback } from 'node:fs'
import { promisify } from 'node:util'
import type { ByteStream } from './byte-stream.js'

const write = promisify(writeCallback)

/** Write a whole stream at the descriptor's position; how many bytes it was. */
export const writeAll = async (fd: number, stream: ByteStream): Promise<number> => {
  let total = 0
  for await (const chunk of stream) {
    await writeChunk(fd, chunk)
    total += chunk.length
  }
  return total
}

/** Write all of `chunk`: a full disk or a signal may cut one call short. */
export const writeChunk = async (fd: number, chunk: Uint8Array): Promise<void> => {
  for (let done = 0; done < chunk.length; )
    done += (await write(fd, chunk, done, chunk.length - done, null)).bytesWritten
}
