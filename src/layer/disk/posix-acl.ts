import type { PaxRecord, Xattr } from '../../tar/entry.js'

const keys: Readonly<Record<string, string>> = {
  'SCHILY.acl.access': 'system.posix_acl_access',
  'SCHILY.acl.default': 'system.posix_acl_default',
}

/**
 * An ACL as star and GNU tar write it (`user::rwx,user:lisa:r-x:502,group::r-x,mask::r-x,other::---`, the last
 * field of a named one its number) as the kernel takes it: version 2, then tag, permissions and id of each.
 * Undefined for another record, and for an ACL that names somebody without a number.
 */
export const aclXattr = ({ key, value }: PaxRecord): Xattr | undefined => {
  const name = keys[key]
  if (name === undefined) return undefined
  const entries: Buffer[] = [Buffer.from([2, 0, 0, 0])]
  const found: { tag: number; permissions: number; id: number }[] = []
  for (const line of value.toString('latin1').split(/[,\n]/)) {
    const text = line.replace(/#.*/, '').trim()
    if (text === '') continue
    const [, kind, who = '', rights, number] =
      /^(user|group|mask|other|[ugmo]):([^:]*):([rwx-]{1,4})(?::(\d{1,10}))?$/.exec(text) ?? []
    if (kind === undefined || rights === undefined) return undefined
    const id = who === '' ? noId : Number(number ?? (/^\d{1,10}$/.test(who) ? who : Number.NaN))
    const tag = tags[`${kind[0]}${who === '' ? '' : '+'}` as keyof typeof tags]
    if (tag === undefined || !(id <= noId)) return undefined
    found.push({ tag, permissions: permissionsOf(rights), id })
  }
  // The kernel wants them by tag, those of one tag by number.
  found.sort((a, b) => a.tag - b.tag || a.id - b.id)
  for (const { tag, permissions, id } of found) {
    const entry = Buffer.alloc(8)
    entry.writeUInt16LE(tag, 0)
    entry.writeUInt16LE(permissions, 2)
    entry.writeUInt32LE(id, 4)
    entries.push(entry)
  }
  return { name: Buffer.from(name), value: Buffer.concat(entries) }
}

const noId = 0xffff_ffff

/** ACL_USER_OBJ, ACL_USER, ACL_GROUP_OBJ, ACL_GROUP, ACL_MASK, ACL_OTHER. */
const tags = { u: 1, 'u+': 2, g: 4, 'g+': 8, m: 16, o: 32 } as const

const permissionsOf = (rights: string): number =>
  (rights.includes('r') ? 4 : 0) | (rights.includes('w') ? 2 : 0) | (rights.includes('x') ? 1 : 0)
