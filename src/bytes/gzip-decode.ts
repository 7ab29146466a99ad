import { createGunzip, type Gunzip, type ZlibOptions } from 'node:zlib'
import type { ByteStream } from './byte-stream.js'

/**
 * gzip, all members as one (pigz -i and eStargz have thousands). zlib stops at the first zero behind a member and
 * looks at nothing that follows; so it is fed by hand, and the rest is read to its end: it must be zeros, and
 * whoever hashes the compressed bytes on their way must see all of them.
 */
export async function* decodeGzip(stream: ByteStream): ByteStream {
  // 1 MiB of output at a time is twice as fast as the 16 KiB that is the default; and zlib goes on, up to the mark,
  // while what it gave is hashed.
  const gunzip = createGunzip({ chunkSize: 1 << 20, readableHighWaterMark: 4 << 20 } as ZlibOptions)
  const fed = feed(stream, gunzip)
  fed.catch(error => gunzip.destroy(error))
  try {
    yield* gunzip as AsyncIterable<Buffer>
    await fed
  } finally {
    // The next write fails then, and the source is given back.
    gunzip.destroy()
  }
}

const feed = async (stream: ByteStream, gunzip: Gunzip): Promise<void> => {
  let given = 0
  let padding = false
  for await (const chunk of stream) {
    let rest = chunk
    if (!padding) {
      await write(gunzip, chunk)
      given += chunk.length
      // `bytesWritten` is what zlib has taken, not what it was given.
      rest = chunk.subarray(chunk.length - (given - gunzip.bytesWritten))
      padding = rest.length > 0
    }
    if (rest.some(byte => byte !== 0)) throw new Error('found bytes behind the last member and its padding')
  }
  gunzip.end()
}

/** Wait until the chunk is taken; zlib calls nobody back when it has failed or was destroyed meanwhile. */
const write = (gunzip: Gunzip, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const closed = () => reject(new Error('closed'))
    gunzip.once('close', closed)
    gunzip.write(chunk, error => {
      gunzip.off('close', closed)
      if (error) reject(error)
      else resolve()
    })
  })
