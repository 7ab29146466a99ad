import { createHash } from 'node:crypto'
import type { Digest, DigestAlgorithm } from '../spec/digest.js'

export interface Hasher {
  update(chunk: Uint8Array): void
  /** Of all that was given; once. */
  digest(): Digest
}

export const createHasher = (algorithm: DigestAlgorithm = 'sha256'): Hasher => {
  const hash = createHash(algorithm)
  return {
    update: chunk => {
      hash.update(chunk)
    },
    digest: () => `${algorithm}:${hash.digest('hex')}`,
  }
}

export const digestOf = (bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest => {
  const hasher = createHasher(algorithm)
  hasher.update(bytes)
  return hasher.digest()
}
