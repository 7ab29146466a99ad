import { constants, read as readCallback } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { LadingError } from '../spec/errors.js'
import type { ByteRange, ByteSource, ByteStream, FileRange } from './byte-stream.js'
import { readNow } from './read-now.js'
import { checkedRange } from './slice.js'

const read = promisify(readCallback)

/** Long enough that the calls do not count, short enough that a few in flight do not either. */
const chunkLength = 1 << 20

/**
 * What is read at once: waiting for the thread pool takes longer than that many bytes, and of headers and documents
 * a command reads dozens, one after the other.
 */
const shortRead = 64 * 1024

/** A stretch of an open file; the descriptor stays its owner's. */
export const fileSource = (file: FileRange): ByteSource => {
  const whole = { offset: 0, length: file.length }
  return {
    size: file.length,
    file,
    stream: (range = whole) => readRange(file, checkedRange(range, file.length)),
    read: async range => {
      checkedRange(range, file.length)
      const buffer = Buffer.alloc(range.length)
      await fill(file, buffer, range.offset)
      return buffer
    },
  }
}

async function* readRange(file: FileRange, { offset, length }: ByteRange): ByteStream {
  for (let done = 0; done < length; ) {
    // A fresh buffer each time: a reader may look ahead, or hand a chunk to a thread.
    const buffer = Buffer.allocUnsafeSlow(Math.min(chunkLength, length - done))
    await fill(file, buffer, offset + done)
    done += buffer.length
    yield buffer
  }
}

const fill = async (file: FileRange, buffer: Buffer, offset: number): Promise<void> =>
  buffer.length <= shortRead ? readNow(file, buffer, offset) : readFully(file, buffer, offset)

/** Fill `buffer`, or throw: a file that shrinks must never leave bytes of old memory in an output. */
const readFully = async (file: FileRange, buffer: Buffer, offset: number): Promise<void> => {
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await read(
      file.fd,
      buffer,
      filled,
      buffer.length - filled,
      file.offset + offset + filled,
    )
    if (bytesRead === 0)
      throw new LadingError(
        'TRUNCATED',
        `Ends after ${offset + filled} of ${file.length} bytes: the file is truncated`,
        { data: { found: offset + filled, wanted: file.length } },
      )
    filled += bytesRead
  }
}

export interface OpenFile extends ByteSource, AsyncDisposable {
  readonly file: FileRange
  readonly handle: FileHandle
}

/** A FIFO that nobody writes to would not open, and a thread of the pool would wait for ever. */
export const readOnly = constants.O_RDONLY | constants.O_NONBLOCK

/** Open a regular file for reading. Throws NOT_FOUND; UNSUPPORTED for a folder, a FIFO or a device. */
export const openFile = async (path: string): Promise<OpenFile> => {
  let handle: FileHandle
  try {
    handle = await open(path, readOnly)
  } catch (cause) {
    throw new LadingError('NOT_FOUND', `Cannot open ${path}: ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    })
  }
  const status = await handle.stat()
  if (!status.isFile()) {
    await handle.close()
    throw new LadingError('UNSUPPORTED', `Cannot read ${path}: it is not a regular file`)
  }
  const file = { fd: handle.fd, offset: 0, length: status.size }
  return { ...fileSource(file), file, handle, [Symbol.asyncDispose]: () => handle.close() }
}
