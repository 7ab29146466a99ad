import type { JobResult } from '../threads.js'
import { deflateBlocks } from './encode.js'

export interface DeflateInput {
  readonly content: Uint8Array<ArrayBuffer>
  /** What stands before it, 32 KiB at most: matches may refer back into it. */
  readonly before: Uint8Array<ArrayBuffer>
  /** 0–9. */
  readonly level: number
}

/** Content as deflate blocks that can be joined. */
export const job = ({ content, before, level }: DeflateInput): JobResult<Uint8Array<ArrayBuffer>> => {
  const output = deflateBlocks(content, before, level)
  return { output, transfer: [output.buffer] }
}
