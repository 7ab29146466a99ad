/** Bits into bytes, the lowest first, as DEFLATE packs them (RFC 1951, section 3.1.1). */
export interface BitWriter {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Whole bytes written. */
  length: number
  /** Below 8 bits that do not fill a byte yet, and how many. */
  pending: number
  pendingBits: number
}

/** Each write stores a whole word: 4 bytes behind the last one must be there. */
export const bitWriter = (bytes: Uint8Array): BitWriter => ({
  bytes,
  view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  length: 0,
  pending: 0,
  pendingBits: 0,
})

/** The lowest `count` bits of `value`, 24 at most; those above must be zero. */
export const putBits = (writer: BitWriter, value: number, count: number): void => {
  const word = writer.pending | (value << writer.pendingBits)
  const bits = writer.pendingBits + count
  writer.view.setInt32(writer.length, word, true)
  writer.length += bits >> 3
  writer.pending = word >>> (bits & 24)
  writer.pendingBits = bits & 7
}

/** Zeros up to the next whole byte. */
export const alignToByte = (writer: BitWriter): void => {
  if (writer.pendingBits > 0) putBits(writer, 0, 8 - writer.pendingBits)
}
