import { ReadableStream } from 'node:stream/web'
import xz from 'xz-decompress'
import type { ByteStream } from './byte-stream.js'

/** xz, through XZ Embedded as WebAssembly. */
export async function* decodeXz(stream: ByteStream): ByteStream {
  const reader = new xz.XzReadableStream(ReadableStream.from(stream) as never).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // The library trips over being cancelled when it has come to its end.
    await reader.cancel().catch(() => {})
  }
}
