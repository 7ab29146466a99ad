import { constants, deflateRawSync } from 'node:zlib'
import type { JobResult } from './threads.js'

export interface DeflateInput {
  readonly content: Uint8Array<ArrayBuffer>
  /** What stands before it, 32 KiB at most: matches may refer back into it. */
  readonly before: Uint8Array<ArrayBuffer>
  /** 0–9. */
  readonly level: number
}

/** Content as deflate blocks none of which is the last one, up to a whole byte: they can be joined. */
export const job = ({ content, before, level }: DeflateInput): JobResult<Uint8Array<ArrayBuffer>> => {
  const output = deflateRawSync(content, {
    level,
    finishFlush: constants.Z_SYNC_FLUSH,
    // Whatever comes out fits: one call into zlib.
    chunkSize: content.length + (content.length >> 8) + 1024,
    ...(before.length > 0 && { dictionary: before }),
  })
  // A copy of its own length: the memory that zlib wrote to is as large as the content.
  const own = Uint8Array.from(output)
  return { output: own, transfer: [own.buffer] }
}
