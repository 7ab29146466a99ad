import { aclXattr } from '../../layer/disk/posix-acl.js'
import type { TarEntry, Xattr } from '../../tar/entry.js'

/** How overlayfs marks a folder that hides the lower ones of its name. */
export const opaqueMark = { root: 'trusted.overlay.opaque', rootless: 'user.overlay.opaque' } as const

const own = /^(?:trusted|user)\.overlay\./

/** What is overlayfs's in an upper or lower folder, and would steer it if an image brought it. */
export const isOverlayXattr = ({ name }: Xattr): boolean => own.test(name.toString('latin1'))

type MaybeDevice = { readonly [Key in 'type' | 'devMajor' | 'devMinor']?: TarEntry[Key] | undefined }

/** Device 0:0, which stands in a folder for a name that is hidden. */
export const isWhiteoutDevice = ({ type, devMajor = 0, devMinor = 0 }: MaybeDevice): boolean =>
  type === 'character-device' && devMajor === 0 && devMinor === 0

/**
 * The attributes of a file for a file system: ACLs as the kernel has them, nothing of overlayfs, `user.` only
 * where Linux allows it (xattr(7)): elsewhere they would be listed and could not be read.
 */
export const inodeXattrs = (
  entry: Pick<TarEntry, 'type' | 'xattrs' | 'records'> | undefined,
): readonly Xattr[] => {
  if (entry === undefined || (entry.xattrs.length === 0 && entry.records === undefined)) return []
  const acls = (entry.records ?? []).flatMap(record => aclXattr(record) ?? [])
  // Of two attributes with one name the last counts, as when they are set one after the other.
  const byName = new Map([...entry.xattrs, ...acls].map(xattr => [xattr.name.toString('latin1'), xattr]))
  const takesUser = entry.type === 'file' || entry.type === 'directory'
  return [...byName.values()].filter(
    xattr => !isOverlayXattr(xattr) && (takesUser || !xattr.name.toString('latin1').startsWith('user.')),
  )
}
