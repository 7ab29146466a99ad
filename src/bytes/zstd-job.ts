import { LadingError } from '../spec/errors.js'
import type { JobResult } from './threads.js'

export interface ZstdInput {
  readonly content: Uint8Array<ArrayBuffer>
  /** 1–19. */
  readonly level: number
}

/** Content as one zstd frame. Throws MISSING_LIBRARY. */
export const job = async ({ content, level }: ZstdInput): Promise<JobResult<Uint8Array<ArrayBuffer>>> => {
  encoder ??= loadEncoder()
  const output = Uint8Array.from((await encoder).compress(content as Buffer, level))
  return { output, transfer: [output.buffer] }
}

let encoder: ReturnType<typeof loadEncoder> | undefined

/** Once a thread: a second init makes an encoder that writes what no decoder reads. */
const loadEncoder = async () => {
  const wasm = await import('@bokuweb/zstd-wasm').catch(cause => {
    throw new LadingError(
      'MISSING_LIBRARY',
      'Cannot write zstd: the package @bokuweb/zstd-wasm is not installed',
      { cause },
    )
  })
  await wasm.init()
  return wasm
}
