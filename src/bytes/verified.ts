import { algorithmOf, type Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import type { ByteStream } from './byte-stream.js'
import { createHasher } from './hasher.js'

/**
 * The same bytes, and an error in place of the end when they are not the ones they should be: SIZE_MISMATCH
 * as soon as there is one byte too many (an endless blob is read no further), DIGEST_MISMATCH at the end.
 */
export async function* verified(
  stream: ByteStream,
  wanted: { readonly digest: Digest; readonly size?: number },
  what: string,
): ByteStream {
  const hasher = createHasher(algorithmOf(wanted.digest))
  let length = 0
  for await (const chunk of stream) {
    length += chunk.length
    if (wanted.size !== undefined && length > wanted.size)
      throw wrongSize(what, `more than ${wanted.size}`, wanted.size)
    hasher.update(chunk)
    yield chunk
  }
  if (wanted.size !== undefined && length < wanted.size) throw wrongSize(what, length, wanted.size)
  checkDigest(hasher.digest(), wanted.digest, what)
}

/** Throws SIZE_MISMATCH when `found` bytes are not as many as wanted. */
export const checkSize = (found: number, wanted: number, what: string): void => {
  if (found !== wanted) throw wrongSize(what, found, wanted)
}

/** Throws DIGEST_MISMATCH. */
export const checkDigest = (found: Digest, wanted: Digest, what: string): void => {
  if (found !== wanted)
    throw new LadingError('DIGEST_MISMATCH', `Wrong content in ${what}: found ${found}, wanted ${wanted}`, {
      data: { what, found, wanted },
    })
}

const wrongSize = (what: string, found: number | string, wanted: number): LadingError =>
  new LadingError('SIZE_MISMATCH', `Wrong size of ${what}: found ${found} bytes, wanted ${wanted}`, {
    data: { what, found, wanted },
  })
