import { readSync } from 'node:fs'
import type { ByteSource } from '../bytes/byte-stream.js'
import { readTar, type TarEvents } from './reader.js'

/**
 * The tar reader for bytes that can be read from anywhere: headers only, content is never touched. From a
 * file by pread of just what is asked for, synchronously: 512 bytes a time, a promise would cost more than
 * the read.
 */
export const scanSource = async (source: ByteSource, events: TarEvents): Promise<void> => {
  const machine = readTar(events)
  let at = 0
  for (let step = machine.next(); !step.done; ) {
    const { skip, take } = step.value
    const missing = at + skip - source.size
    if (missing > 0) {
      step = machine.next(missing)
      continue
    }
    at += skip
    const length = Math.min(take, source.size - at)
    const bytes = readNow(source, at, length) ?? (await source.read({ offset: at, length }))
    at += length
    step = machine.next(bytes)
  }
}

const readNow = ({ file }: ByteSource, offset: number, length: number): Buffer | undefined => {
  if (file === undefined) return undefined
  const buffer = Buffer.alloc(length)
  return readSync(file.fd, buffer, 0, length, file.offset + offset) === length ? buffer : undefined
}
