import { crc32 } from 'node:zlib'
import type { FileRange } from '../byte-stream.js'
import { readNow } from '../read-now.js'
import type { JobResult } from '../threads.js'
import { deflateBlocks, deflateInput } from './encode.js'

/** How far back deflate can refer. */
export const windowLength = 1 << 15

export type DeflateInput = {
  /** 0–9. */
  readonly level: number
} & (
  | {
      readonly content: Uint8Array<ArrayBuffer>
      /** What stands before it, windowLength at most: matches may refer back into it. */
      readonly before: Uint8Array<ArrayBuffer>
    }
  /** The content is `length` bytes at `at` of a file. */
  | { readonly file: FileRange; readonly at: number; readonly length: number }
)

export interface DeflatedBlock {
  /** Deflate blocks that can be joined. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Of the content. */
  readonly crc: number
  readonly length: number
}

export const job = (input: DeflateInput): JobResult<DeflatedBlock> => {
  const { content, before } = 'file' in input ? read(input) : input
  const bytes = deflateBlocks(content, before, input.level)
  return { output: { bytes, crc: crc32(content), length: content.length }, transfer: [bytes.buffer] }
}

const read = ({ file, at, length }: { file: FileRange; at: number; length: number }) => {
  const behind = Math.min(at, windowLength)
  const bytes = deflateInput().subarray(0, behind + length)
  readNow(file, bytes, at - behind)
  return { before: bytes.subarray(0, behind), content: bytes.subarray(behind) }
}
