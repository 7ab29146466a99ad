import { setImmediate as breathe } from 'node:timers/promises'
import { isFilePart, isFillPart, isStreamPart, type Part } from './parts.js'
import { readNow, writeNow } from './read-now.js'

const bufferLength = 1 << 20
/** Bytes after which progress and signals get their turn. */
const turn = 16 << 20

/**
 * Write all parts into the file `fd` from its beginning, one after the other, in large writes; how many bytes it was.
 * For many small ones that are read at once: `onWritten` is told how far the file is good. Throws what the parts throw.
 */
export const writeInOrder = async (
  fd: number,
  parts: Iterable<Part>,
  onWritten: (length: number) => void = () => {},
): Promise<number> => {
  const buffer = Buffer.allocUnsafeSlow(bufferLength)
  let used = 0
  let at = 0
  let breathed = 0
  const put = (bytes: Uint8Array) => {
    writeNow(fd, bytes, at)
    at += bytes.length
    onWritten(at)
  }
  const flush = () => {
    if (used > 0) put(buffer.subarray(0, used))
    used = 0
  }
  /** As much of `length` as there is room for, but all of what has to be in one piece. */
  const room = (length: number): Buffer => {
    if (used === buffer.length) flush()
    const piece = buffer.subarray(used, Math.min(used + length, buffer.length))
    used += piece.length
    return piece
  }
  const copy = (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; ) {
      const piece = room(bytes.length - done)
      piece.set(bytes.subarray(done, done + piece.length))
      done += piece.length
    }
  }
  for (const part of parts) {
    if (isStreamPart(part)) for await (const chunk of part.stream) copy(chunk)
    else if (isFilePart(part))
      for (let done = 0; done < part.length; ) {
        const piece = room(part.length - done)
        readNow(part, piece, done)
        done += piece.length
      }
    else if (isFillPart(part)) {
      if (part.length > buffer.length - used) flush()
      if (part.length <= buffer.length) part.fill(room(part.length))
      else {
        const whole = Buffer.allocUnsafeSlow(part.length)
        part.fill(whole)
        put(whole)
      }
    } else copy(part)
    if (at - breathed >= turn) {
      breathed = at
      await breathe()
    }
  }
  flush()
  return at
}
