/** POSIX seconds (may be negative or beyond 2038) and 0 ≤ nanos < 10⁹ after them. */
export interface Timestamp {
  readonly seconds: number
  readonly nanos: number
}

export type EntryType =
  | 'file'
  | 'hardlink'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo'

export interface Xattr {
  readonly name: Buffer
  readonly value: Buffer
}

/** A PAX record; the key as latin1, one character a byte. */
export interface PaxRecord {
  readonly key: string
  readonly value: Buffer
}

/** A stretch of a sparse file that has data: `length` bytes that belong at `offset` of the file. */
export interface SparseRegion {
  readonly offset: number
  readonly length: number
}

/**
 * One entry of a tar, whatever dialect it was written in. Names, links and xattrs are bytes as they stood
 * there; offsets count from the start of the uncompressed tar.
 */
export interface TarEntry {
  readonly path: Buffer
  readonly type: EntryType
  /** Permission bits, 07777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly uname: Buffer
  readonly gname: Buffer
  readonly mtime: Timestamp
  /** Logical length of the file in bytes, holes included; 0 for what has no content. */
  readonly size: number
  readonly linkPath: Buffer
  readonly devMajor: number
  readonly devMinor: number
  readonly xattrs: readonly Xattr[]
  /** PAX records about the file that no field here holds (ACLs as text, file flags …), to be carried on as they stand. */
  readonly records?: readonly PaxRecord[]
  /** Where holes are, for a sparse file. */
  readonly sparse?: readonly SparseRegion[]
  /** Of the first header block that belongs to this entry (a PAX or long-name header counts). */
  readonly headerOffset: number
  /** Of the first content byte (after a sparse 1.0 map). */
  readonly dataOffset: number
  /** Bytes of content stored in the tar, padding not counted. */
  readonly storedSize: number
}
