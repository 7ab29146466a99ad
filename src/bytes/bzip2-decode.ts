import unbzip2 from 'unbzip2-stream'
import type { ByteStream } from './byte-stream.js'

/** bzip2, all streams of it. The library is an old-style stream: fed by hand, so that a slow reader slows it. */
export async function* decodeBzip2(stream: ByteStream): ByteStream {
  const decoder = unbzip2()
  const ready: Buffer[] = []
  let failure: Error | undefined
  decoder.on('data', chunk => ready.push(chunk))
  decoder.on('error', error => {
    failure ??= error
  })
  for await (const chunk of stream) {
    decoder.write(Buffer.from(chunk))
    if (failure) throw failure
    yield* ready.splice(0)
  }
  // What is left is decoded now; a decoder that runs out of bytes trips over its own feet.
  decoder.end()
  if (failure) throw failure instanceof TypeError ? new Error('unexpected end') : failure
  yield* ready
}
