import { constants, deflateRawSync } from 'node:zlib'
import type { JobResult } from './threads.js'

export interface DeflateInput {
  /** The content, behind the bytes that stand before it: 32 KiB at most. */
  readonly bytes: ArrayBuffer
  /** Where the content starts. */
  readonly start: number
  /** 0–9. */
  readonly level: number
}

/** Content as deflate blocks none of which is the last one, up to a whole byte: they can be joined. */
export const job = ({ bytes, start, level }: DeflateInput): JobResult<Uint8Array<ArrayBuffer>> => {
  const content = new Uint8Array(bytes, start)
  const output = deflateRawSync(content, {
    level,
    finishFlush: constants.Z_SYNC_FLUSH,
    // Whatever comes out fits: one call into zlib.
    chunkSize: content.length + (content.length >> 8) + 1024,
    ...(start > 0 && { dictionary: new Uint8Array(bytes, 0, start) }),
  })
  // A copy of its own length: the memory that zlib wrote to is as large as the content.
  const own = Uint8Array.from(output)
  return { output: own, transfer: [own.buffer] }
}
