import { ftruncateSync, readSync, writeSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { type Content, type Contents, fillHoles } from '../content.js'

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
  const region = contents.regionOf?.(content)
  if (region === undefined) {
    let at = 0
    for await (const chunk of fillHoles(contents.stored(content), content.entry)) {
      writeWhole(fd, chunk, chunk.length, at)
      at += chunk.length
      onBytes(chunk.length)
    }
    if (at !== size) throw tooShort(at, size)
    return
  }
  let from = region.offset
  for (const { offset, length } of sparse ?? [{ offset: 0, length: storedSize }])
    for (let done = 0; done < length; ) {
      const count = readSync(region.fd, buffer, 0, Math.min(buffer.length, length - done), from)
      if (count === 0) throw tooShort(offset + done, size)
      writeWhole(fd, buffer, count, offset + done)
      done += count
      from += count
      onBytes(count)
      if (done % (16 << 20) === 0) await breathe()
    }
  if (sparse) ftruncateSync(fd, size)
}

const writeWhole = (fd: number, bytes: Uint8Array, length: number, at: number): void => {
  for (let done = 0; done < length; ) done += writeSync(fd, bytes, done, length - done, at + done)
}

const tooShort = (found: number, wanted: number): LadingError =>
  new LadingError('TRUNCATED', `The content of a file ends after ${found} of ${wanted} bytes`, {
    data: { found, wanted },
  })
