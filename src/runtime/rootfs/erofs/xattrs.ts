import type { Xattr } from '../../../tar/entry.js'

/** Name prefixes that EROFS has numbers for; the ACLs are whole names. No other can be stored, nor set on Linux's own file systems. */
const prefixes: readonly (readonly [prefix: string, number: number])[] = [
  ['user.', 1],
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['trusted.', 4],
  ['security.', 6],
]

const headSize = 12
/** The count of 4-byte units is a 16-bit number. */
const largest = headSize + 4 * 0xfffe

/**
 * The extended attributes of one inode as they lie behind it: a head without shared ones, then each with its
 * name's prefix as a number. Empty where there are none. What does not fit is left out and counted.
 */
export const encodeXattrs = (xattrs: readonly Xattr[]): { bytes: Buffer; lost: number } => {
  const parts: Buffer[] = [Buffer.alloc(headSize)]
  let length = headSize
  let lost = 0
  for (const { name, value } of xattrs) {
    const text = name.toString('latin1')
    const [prefix, index] = prefixes.find(([prefix]) => text.startsWith(prefix)) ?? []
    const rest = name.subarray(prefix?.length ?? 0)
    const size = 4 + rest.length + value.length
    const padded = size + (-size & 3)
    if (
      index === undefined ||
      (index === 2 || index === 3 ? rest.length > 0 : rest.length === 0) ||
      rest.length > 255 ||
      value.length > 0xffff ||
      length + padded > largest
    ) {
      lost++
      continue
    }
    const entry = Buffer.alloc(padded)
    entry.writeUInt8(rest.length, 0)
    entry.writeUInt8(index, 1)
    entry.writeUInt16LE(value.length, 2)
    rest.copy(entry, 4)
    value.copy(entry, 4 + rest.length)
    parts.push(entry)
    length += padded
  }
  return { bytes: parts.length === 1 ? Buffer.alloc(0) : Buffer.concat(parts), lost }
}
