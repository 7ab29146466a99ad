/**
 * Every way lading refuses, as one closed list. A caller branches on `code`, never on the text; what the
 * text says in words, `data` says in values. Messages start with a capital, have no full stop, quote what
 * came from outside and say what was found and what was wanted.
 */
const meanings = {
  ABORTED: 'the caller gave up',
  AMBIGUOUS: 'a question has more than one answer: two images, two documents of one name, two readings',
  BAD_COMPRESSION: 'compressed bytes that do not decode',
  BAD_DIGEST: 'a digest that is not in the grammar, or of an algorithm that is not registered',
  BAD_DOCUMENT: 'JSON that parses but is not the manifest, index or config it should be',
  BAD_JSON: 'text that is not the JSON it should be, or JSON beyond what is safe to hold',
  BAD_PLACE: 'a place (docker-archive:FILE …) that does not parse',
  BAD_REFERENCE: 'an image reference outside the distribution grammar',
  BAD_TAR: 'a tar header or record that contradicts itself or the file it stands in',
  BLOB_MISSING: 'a blob that a document names is not there',
  CONFLICT: 'a container that is in the way: it runs, it does not, or it has the name already',
  DIGEST_MISMATCH: 'bytes whose digest is not the one they were asked for by',
  LIMIT_EXCEEDED: 'a size, count, depth or ratio over its named limit',
  LOCKED: 'another process holds the store',
  MISSING_LIBRARY: 'a library that this input needs is not installed',
  NETWORK: 'a bridge, a link, an address or a port that cannot be had',
  NOT_AN_IMAGE: 'bytes that are something else than an image',
  NOT_FOUND: 'no such image, layer, path or place',
  SIZE_MISMATCH: 'more or fewer bytes than the descriptor says',
  STORE_CORRUPT: 'a record of the store that cannot be true',
  TRUNCATED: 'a file or stream that ends before it should',
  UNSUPPORTED: 'well-formed, known, and not handled',
  USAGE: 'a command line or an option that makes no sense',
} as const

export type ErrorCode = keyof typeof meanings

/** An expected failure, told to the user as one sentence. Anything else that is thrown is a defect of lading. */
export class LadingError extends Error {
  readonly code: ErrorCode
  /** What the message says, as values: digests, offsets, sizes found and wanted. */
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    options: { data?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'LadingError'
    this.code = code
    this.data = options.data ?? {}
  }
}

/** What `code` stands for, in a few words. */
export const meaningOf = (code: ErrorCode): string => meanings[code]

/** Put `action` ("Cannot load bench.tar") before the message of an expected failure; pass anything else on. */
export const during = (action: string, error: unknown): unknown =>
  error instanceof LadingError
    ? new LadingError(error.code, `${action}: ${error.message}`, {
        data: error.data,
        cause: error.cause ?? error,
      })
    : error
