import { LadingError } from './errors.js'

/** OCI image-spec, descriptor.md "Digests": only the registered algorithms, only lower-case hex. */
export type Digest = `sha256:${string}` | `sha512:${string}`
export type DigestAlgorithm = 'sha256' | 'sha512'

const grammar = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/

export const isDigest = (text: unknown): text is Digest => typeof text === 'string' && grammar.test(text)

/**
 * The digest that `text` is. Strict before any use as a path or a key (CVE-2024-3727): throws BAD_DIGEST
 * for an unregistered algorithm, upper-case hex or a wrong length.
 */
export const parseDigest = (text: unknown, where = 'digest'): Digest => {
  if (isDigest(text)) return text
  throw new LadingError(
    'BAD_DIGEST',
    `Bad ${where}: found ${JSON.stringify(text)}, wanted sha256: and 64 or sha512: and 128 lower-case hex digits`,
    { data: { where, found: text } },
  )
}

export const algorithmOf = (digest: Digest): DigestAlgorithm => digest.slice(0, 6) as DigestAlgorithm

/** The hex digits after the colon. */
export const hexOf = (digest: Digest): string => digest.slice(7)

/** `sha256:4bce…` cut to 12 hex digits, for people. */
export const shortDigest = (digest: Digest): string => digest.slice(0, 7 + 12)
