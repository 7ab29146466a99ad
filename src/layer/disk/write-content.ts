import { ftruncateSync, readSync, writeSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import type { ByteStream, FileRange } from '../../bytes/byte-stream.js'
import { StreamReader } from '../../bytes/stream-reader.js'
import { LadingError } from '../../spec/errors.js'
import type { SparseRegion } from '../../tar/entry.js'
import type { Content, Contents } from '../content.js'

const buffer = Buffer.alloc(1 << 20)

/**
 * Write a file's content into the new file `fd`, holes as holes. Where the bytes lie in a file they are copied
 * without waiting for the event loop, which takes longer than most files; it gets its turn in large ones.
 */
export const writeContent = async (
  fd: number,
  content: Content,
  contents: Contents,
  onBytes: (count: number) => void,
): Promise<void> => {
  const { sparse, size, storedSize } = content.entry
  const regions = sparse ?? [{ offset: 0, length: storedSize }]
  const file = contents.regionOf?.(content)
  const done = file
    ? await copyRegions(fd, regions, file, onBytes)
    : await pourRegions(fd, regions, contents.stored(content), onBytes)
  if (done !== storedSize) throw tooShort(done, storedSize)
  if (sparse) ftruncateSync(fd, size)
}

type Report = (count: number) => void

const copyRegions = async (
  fd: number,
  regions: readonly SparseRegion[],
  file: FileRange,
  onBytes: Report,
): Promise<number> => {
  let copied = 0
  for (const { offset, length } of regions)
    for (let done = 0; done < length; ) {
      const wanted = Math.min(buffer.length, length - done)
      const count = readSync(file.fd, buffer, 0, wanted, file.offset + copied)
      if (count === 0) return copied
      writeWhole(fd, buffer.subarray(0, count), offset + done)
      done += count
      copied += count
      onBytes(count)
      if (copied % (16 << 20) === 0) await breathe()
    }
  return copied
}

const pourRegions = async (
  fd: number,
  regions: readonly SparseRegion[],
  stored: ByteStream,
  onBytes: Report,
): Promise<number> => {
  const reader = new StreamReader(stored)
  let poured = 0
  try {
    for (const { offset, length } of regions) {
      let at = offset
      for await (const chunk of reader.pass(length)) {
        writeWhole(fd, chunk, at)
        at += chunk.length
        poured += chunk.length
        onBytes(chunk.length)
      }
    }
  } finally {
    await reader.close()
  }
  return poured
}

const writeWhole = (fd: number, bytes: Uint8Array, at: number): void => {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done)
}

const tooShort = (found: number, wanted: number): LadingError =>
  new LadingError('TRUNCATED', `The content of a file ends after ${found} of ${wanted} bytes`, {
    data: { found, wanted },
  })
