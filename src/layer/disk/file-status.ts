import type { Timestamp } from '../../tar/entry.js'

/** statx(2). Node's stat takes a path, and three times as long. */
export interface FileStatus {
  /** With the type bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly links: number
  readonly size: number
  /** Of 512 bytes. */
  readonly blocks: number
  readonly mtime: Timestamp
  /** What a device file stands for. */
  readonly major: number
  readonly minor: number
  /** What the file is known by while it is there: its file system, and its number there. */
  readonly dev: number
  readonly ino: bigint
}

/** AT_SYMLINK_NOFOLLOW, AT_NO_AUTOMOUNT, AT_EMPTY_PATH; STATX_BASIC_STATS. */
export const statusFlags = 0x100 | 0x800 | 0x1000
export const basicStatus = 0x7ff

/** struct statx, the same on every processor that is little-endian. */
export const readStatus = (from: Buffer): FileStatus => ({
  mode: from.readUInt16LE(28),
  uid: from.readUInt32LE(20),
  gid: from.readUInt32LE(24),
  links: from.readUInt32LE(16),
  size: from.readUInt32LE(40) + from.readUInt32LE(44) * 2 ** 32,
  blocks: from.readUInt32LE(48) + from.readUInt32LE(52) * 2 ** 32,
  mtime: {
    seconds: from.readUInt32LE(112) + from.readInt32LE(116) * 2 ** 32,
    nanos: from.readUInt32LE(120),
  },
  major: from.readUInt32LE(128),
  minor: from.readUInt32LE(132),
  dev: from.readUInt32LE(136) * 2 ** 32 + from.readUInt32LE(140),
  ino: from.readBigUInt64LE(32),
})
