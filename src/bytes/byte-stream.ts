/**
 * Bytes that arrive over time: chunks of any length (usually 64 KiB to 1 MiB), read once. Nobody changes
 * a chunk that was given: a reader may keep it, look ahead, or hand it to a thread.
 */
export type ByteStream = AsyncIterable<Uint8Array>

/** `length` bytes from `offset`. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** Bytes that lie contiguous in an open file; `fd` belongs to whoever handed this out. */
export interface FileRange extends ByteRange {
  readonly fd: number
}

/**
 * Bytes that can be read more than once and from anywhere: a file, a stretch of one, memory, or a compressed
 * file that is inflated again for each reading.
 */
export interface ByteSource {
  /** Known length in bytes. */
  readonly size: number
  /** All of it, or a range. Ends in TRUNCATED when the bytes end before `size`. */
  stream(range?: ByteRange): ByteStream
  /** Exactly these bytes, in memory; for headers and documents. Throws TRUNCATED. */
  read(range: ByteRange): Promise<Buffer>
  /** Present where the bytes lie contiguous in an open file: what the fast paths ask for. */
  readonly file?: FileRange
}
