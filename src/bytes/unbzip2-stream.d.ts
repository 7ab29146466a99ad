declare module 'unbzip2-stream/lib/bit_iterator.js' {
  /** Reads bits from the chunks that `nextBuffer` gives; null aligns to the next byte. */
  interface BitReader {
    (count: number | null): number
    readonly bytesRead: number
  }
  const bitIterator: (nextBuffer: () => Uint8Array) => BitReader
  export default bitIterator
}

declare module 'unbzip2-stream/lib/bzip2.js' {
  const blocks: {
    /** A stream header: its level, 1 to 9. */
    header(bits: (count: number | null) => number): number
    /** One block: the CRC of the stream so far; null at the stream's end. */
    decompress(
      bits: (count: number | null) => number,
      add: (byte: number) => void,
      table: Int32Array,
      tableLength: number,
      streamCrc: number | null,
    ): number | null
  }
  export default blocks
}
