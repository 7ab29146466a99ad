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

/** No generator: one that was never started would not give the stream back. */
const resume = (head: readonly Uint8Array[], iterator: AsyncIterator<Uint8Array>): ByteStream => {
  const chunks = [...head]
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    const value = chunks.shift()
    return value ? { done: false, value } : iterator.next()
  }
  const close = async (): Promise<IteratorResult<Uint8Array>> => {
    await iterator.return?.()
    return { done: true, value: undefined }
  }
  return { [Symbol.asyncIterator]: () => ({ next, return: close }) }
}
