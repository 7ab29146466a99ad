export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** How many bytes sniffCompression wants to see. */
export const sniffLength = 16

const starts = (head: Uint8Array, ...bytes: number[]): boolean =>
  bytes.every((byte, index) => head[index] === byte)

/**
 * What the first bytes say. As much of each magic as there is: a tar may begin with a file whose name starts
 * like one. `BZh9` alone is a fine file name, with the block magic (π) behind it it is not.
 */
export const sniffCompression = (head: Uint8Array): Compression => {
  if (starts(head, 0x1f, 0x8b, 0x08)) return 'gzip'
  if (isZstdFrame(head) || isSkippableFrame(head)) return 'zstd'
  if (starts(head, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return 'xz'
  const bzip2 = starts(head, 0x42, 0x5a, 0x68) && head[3]! >= 0x31 && head[3]! <= 0x39
  const block = head.subarray(4)
  return bzip2 && (starts(block, 0x31, 0x41, 0x59, 0x26) || starts(block, 0x17, 0x72, 0x45, 0x38))
    ? 'bzip2'
    : 'none'
}

const isZstdFrame = (head: Uint8Array): boolean => starts(head, 0x28, 0xb5, 0x2f, 0xfd)

const isSkippableFrame = (head: Uint8Array): boolean =>
  (head[0]! & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18
