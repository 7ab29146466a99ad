/**
 * An output told in parts: bytes at hand, and bytes that lie in a file, which need not pass through whoever
 * composes it. One composition serves a pipe (the parts as a stream) and a file (write-parts.ts, where threads
 * copy what lies in files to where it belongs).
 */
import type { ByteStream, FileRange } from './byte-stream.js'
import type { Wanted } from './check-region.js'
import { fileSource } from './file-source.js'
import { readNow } from './read-now.js'
import { verified } from './verified.js'

/** Bytes that lie in a file; its descriptor is open as long as the parts are read. */
export interface FilePart extends FileRange {
  /** What they should be: checked as they are copied. `what` is for messages. */
  readonly check?: { readonly wanted: Wanted; readonly what: string; readonly shared?: boolean }
  /** Is told of bytes as they are copied. */
  readonly passed?: (bytes: number) => void
}

/** Bytes that come as a stream, `length` of them. */
export interface StreamPart {
  readonly length: number
  readonly stream: ByteStream
}

/** Bytes that are read at once where they are wanted, `length` of them: nothing has to be waited for. */
export interface FillPart {
  readonly length: number
  fill(target: Uint8Array): void
}

export type Part = Uint8Array | FilePart | StreamPart | FillPart

/** Composing is quick where nothing has to be waited for, and then need not be asynchronous. */
export type Parts = AsyncIterable<Part> | Iterable<Part>

export const isFilePart = (part: Part): part is FilePart => 'fd' in part
export const isStreamPart = (part: Part): part is StreamPart => 'stream' in part
/** Uint8Array has a method of that name. */
export const isFillPart = (part: Part): part is FillPart => 'fill' in part && !(part instanceof Uint8Array)

export const filled = ({ length, fill }: FillPart): Uint8Array => {
  const bytes = Buffer.allocUnsafeSlow(length)
  fill(bytes)
  return bytes
}

/** Parts shorter than this go out together. */
const small = 64 * 1024
const chunkLength = 512 * 1024

/** The bytes of all parts, one after the other. Throws what checking and reading throw. */
export async function* streamParts(parts: Parts): ByteStream {
  let gathered = Buffer.allocUnsafeSlow(chunkLength)
  let used = 0
  for await (const part of parts) {
    const isShort = part.length <= small && !isStreamPart(part) && !(isFilePart(part) && part.check)
    if (used > 0 && (!isShort || used + part.length > chunkLength)) {
      yield gathered.subarray(0, used)
      gathered = Buffer.allocUnsafeSlow(chunkLength)
      used = 0
    }
    if (isStreamPart(part)) yield* part.stream
    else if (!isShort) yield* isFilePart(part) ? streamFile(part) : [isFillPart(part) ? filled(part) : part]
    else {
      // Waiting for the event loop takes longer than reading most files.
      const room = gathered.subarray(used, used + part.length)
      if (isFilePart(part)) readNow(part, room, 0)
      else if (isFillPart(part)) part.fill(room)
      else gathered.set(part, used)
      used += part.length
    }
  }
  if (used > 0) yield gathered.subarray(0, used)
}

async function* streamFile(part: FilePart): ByteStream {
  const stream = fileSource(part).stream()
  for await (const chunk of part.check ? verified(stream, part.check.wanted, part.check.what) : stream) {
    part.passed?.(chunk.length)
    yield chunk
  }
}

/** The same parts; `onBytes` is told the length of each as it is composed. */
export function* countedParts(parts: Iterable<Part>, onBytes: (bytes: number) => void): Iterable<Part> {
  for (const part of parts) {
    onBytes(part.length)
    yield part
  }
}
