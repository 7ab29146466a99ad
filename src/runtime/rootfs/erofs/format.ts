/**
 * EROFS on disk, as far as lading writes it: Linux fs/erofs/erofs_fs.h. Little-endian. Blocks have 512 bytes, so
 * that what begins at a block of a tar begins at a block here (Linux 6.4 and later). Inodes are all of the
 * extended form (64 bytes: 32-bit owners, a time of their own with nanoseconds). An inode's number (nid) is
 * its position in units of 32 bytes, as metadata begins at block 0.
 */

export const blockSize = 512
const blockBits = 9
export const inodeSize = 64
/** Inodes begin at multiples of this. */
export const slotSize = 32
/** What comes before it means nothing to EROFS. */
export const superblockOffset = 1024
const superblockSize = 128
const deviceSlotSize = 128
const magic = 0xe0f5_e1e2
/** COMPAT_MTIME; INCOMPAT_CHUNKED_FILE and INCOMPAT_DEVICE_TABLE. */
const [compatible, incompatible] = [0x2, 0x4 | 0x8]

/** Where the first inode goes, behind the table of devices. */
export const firstInode = (devices: number): number =>
  superblockOffset + superblockSize + devices * deviceSlotSize

/** How an inode's data is found. */
export const dataLayouts = { plain: 0, inline: 2, chunks: 4 } as const

export interface Superblock {
  readonly root: number
  readonly inodes: number
  /** Of the image itself. */
  readonly blocks: number
  /** Blocks of each device that holds data; the first is number 1 in chunk indexes. */
  readonly devices: readonly number[]
}

export const writeSuperblock = (image: Buffer, { root, inodes, blocks, devices }: Superblock): void => {
  const at = superblockOffset
  image.writeUInt32LE(magic, at)
  image.writeUInt32LE(compatible, at + 8)
  image.writeUInt8(blockBits, at + 12)
  image.writeUInt16LE(root, at + 14)
  image.writeUInt32LE(inodes, at + 16)
  image.writeUInt32LE(blocks, at + 36)
  image.writeUInt32LE(devices.length > 0 ? incompatible : incompatible & 0x4, at + 80)
  image.writeUInt16LE(devices.length, at + 86)
  image.writeUInt16LE((superblockOffset + superblockSize) / deviceSlotSize, at + 88)
  // Devices are told by the mount option, so the slots have no tags; no unified addresses either.
  for (const [index, count] of devices.entries())
    image.writeUInt32LE(count, at + superblockSize + index * deviceSlotSize + 64)
}

export interface InodeFields {
  readonly layout: (typeof dataLayouts)[keyof typeof dataLayouts]
  /** Type and permissions. */
  readonly mode: number
  readonly size: number
  /** The first block of the data, the device number, or how chunks are indexed. */
  readonly data: number
  readonly number: number
  readonly uid: number
  readonly gid: number
  readonly seconds: number
  readonly nanos: number
  readonly links: number
  /** Length of the extended attributes behind it, in bytes. */
  readonly xattrs: number
}

/**
 * `words` are those of the whole image, so the machine must be little-endian, as x86-64 and arm64 are: with
 * tens of thousands of inodes, calls that write a number each would take most of the time.
 */
export const writeInode = (words: Uint32Array, at: number, inode: InodeFields): void => {
  const word = at / 4
  // The attributes' head counts as one, each four bytes behind it as one more.
  const xattrs = inode.xattrs === 0 ? 0 : (inode.xattrs - 12) / 4 + 1
  words[word] = 1 | (inode.layout << 1) | (xattrs << 16)
  words[word + 1] = inode.mode
  words[word + 2] = inode.size
  words[word + 3] = inode.size / 2 ** 32
  words[word + 4] = inode.data
  words[word + 5] = inode.number
  words[word + 6] = inode.uid
  words[word + 7] = inode.gid
  words[word + 8] = inode.seconds
  words[word + 9] = Math.floor(inode.seconds / 2 ** 32)
  words[word + 10] = inode.nanos
  words[word + 11] = inode.links
}

/** `bits`: the chunk size is blockSize << bits. */
export const chunkFormat = (bits: number): number => bits | 0x20

export const chunkIndexSize = 8
/** Device 0 is the image itself. */
export const writeChunkIndex = (words: Uint32Array, at: number, device: number, block: number): void => {
  words[at / 4] = device << 16
  words[at / 4 + 1] = block
}
export const writeHole = (words: Uint32Array, at: number): void => {
  words.fill(0xffff_ffff, at / 4, at / 4 + 2)
}

/** A device's number as the kernel keeps it (new_encode_dev): 12 bits of major, 20 of minor, what is above is lost as in mknod(2). */
export const encodeDevice = (major: number, minor: number): number =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0

export const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit
