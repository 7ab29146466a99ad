import { accessSync, closeSync, constants, fstatSync, openSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ByteRange, ByteSource, ByteStream } from '../bytes/byte-stream.js'
import { collect } from '../bytes/collect.js'
import { fileSource } from '../bytes/file-source.js'
import { verified } from '../bytes/verified.js'
import type { BlobName } from '../image/interfaces.js'
import type { Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { digestPath, type StorePlaces } from './places.js'

export const hasBlob = async (places: StorePlaces, digest: Digest): Promise<boolean> => {
  try {
    accessSync(digestPath(places.blobs, digest), constants.R_OK)
    return true
  } catch {
    return false
  }
}

/** In bytes; undefined where there is no such blob. */
export const blobSize = (places: StorePlaces, digest: Digest): Promise<number | undefined> =>
  stat(digestPath(places.blobs, digest)).then(
    status => status.size,
    () => undefined,
  )

/** The blob's bytes, verified when read whole. Throws BLOB_MISSING. */
export async function* openBlob(
  places: StorePlaces,
  blob: BlobName,
  { range, unchecked = false }: { range?: ByteRange; unchecked?: boolean } = {},
): ByteStream {
  const fd = openToRead(places, blob.digest)
  try {
    const source = fileSource({ fd, offset: 0, length: fstatSync(fd).size })
    yield* range || unchecked ? source.stream(range) : verified(source.stream(), blob, `blob ${blob.digest}`)
  } finally {
    closeSync(fd)
  }
}

const openToRead = (places: StorePlaces, digest: Digest): number => {
  try {
    return openSync(digestPath(places.blobs, digest), 'r')
  } catch (cause) {
    throw new LadingError('BLOB_MISSING', `The blob ${digest} is not in the store ${places.root}`, {
      data: { digest },
      cause,
    })
  }
}

/** A blob's bytes to be read again and again, the file opened for each reading: an archive may bring thousands. */
export const storedContent = (places: StorePlaces, { digest, size }: BlobName): ByteSource => {
  async function* stream(range: ByteRange = { offset: 0, length: size }): ByteStream {
    yield* openBlob(places, { digest, size }, { range })
  }
  return {
    size,
    stream,
    read: range => collect(stream(range), { max: range.length, what: `blob ${digest}` }),
  }
}
