import type { FileRange } from './byte-stream.js'
import { readNow } from './read-now.js'
import { sniffCompression, sniffLength } from './sniff.js'

/** Whether what lies in a file is not compressed, by its first bytes. */
export const isPlain = (file: FileRange): boolean => {
  const head = Buffer.alloc(Math.min(sniffLength, file.length))
  readNow(file, head, 0)
  return sniffCompression(head) === 'none'
}
