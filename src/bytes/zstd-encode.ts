/**
 * Zstandard (RFC 8878) on all cores: frames of fixed content length, made side by side. One encoder everywhere,
 * in WebAssembly, although newer versions of Node have one of their own: the bytes are to be the same.
 */
import type { ByteStream } from './byte-stream.js'
import { inOrder } from './in-order.js'
import { pieces } from './pieces.js'
import { inThread, threadCount } from './threads.js'
import { job as encode, type ZstdInput } from './zstd-job.js'

const frameLength = 4 << 20

/** Below this many bytes, which take milliseconds, a thread is not worth its start. */
const worthAThread = 1 << 20

/** Compress at `level`, 1 to 19. Throws what `stream` throws; a reader that stops early gives it back. */
export async function* encodeZstd(stream: ByteStream, level: number): ByteStream {
  let empty = true
  async function* frames(): AsyncGenerator<ZstdInput, void, undefined> {
    for await (const content of pieces(stream, frameLength)) {
      empty = false
      yield { content, level }
    }
  }
  yield* inOrder(frames(), threadCount + 1, encodeFrame)
  // No frame at all would be no zstd.
  if (empty) yield encodeFrame({ content: new Uint8Array(0), level })
}

const encodeFrame = async (input: ZstdInput): Promise<Uint8Array> => {
  if (input.content.length < worthAThread) return (await encode(input)).output
  return inThread(jobModule, input, { transfer: [input.content.buffer] })
}

const jobModule = new URL('./zstd-job.js', import.meta.url)
