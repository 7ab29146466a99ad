import type { ByteStream } from './byte-stream.js'

/** The first bytes of a stream (fewer where it is shorter), and the whole stream, those bytes included. */
export const peek = async (
  stream: ByteStream,
  length: number,
): Promise<{ head: Buffer; stream: ByteStream }> => {
  const iterator = stream[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  for (let have = 0; have < length; ) {
    const next = await iterator.next()
    if (next.done) break
    chunks.push(next.value)
    have += next.value.length
  }
  return { head: Buffer.concat(chunks).subarray(0, length), stream: resume(chunks, iterator) }
}

async function* resume(chunks: readonly Uint8Array[], iterator: AsyncIterator<Uint8Array>): ByteStream {
  try {
    yield* chunks
    for (;;) {
      const next = await iterator.next()
      if (next.done) return
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}
