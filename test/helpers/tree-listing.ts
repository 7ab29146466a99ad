import { createHash } from 'node:crypto'
import { type Contents, wholeContent } from '../../src/layer/content.js'
import { aclXattr } from '../../src/layer/disk/posix-acl.js'
import type { Inode, MergedTree } from '../../src/layer/merged-tree.js'
import type { DiskListing } from './disk-listing.js'

const types = {
  ...{ file: 0o100000, hardlink: 0o100000, symlink: 0o120000, directory: 0o040000, fifo: 0o010000 },
  ...{ 'character-device': 0o020000, 'block-device': 0o060000 },
}

/** What diskListing would say of a merged tree, were it on disk. */
export const treeListing = async (tree: MergedTree, contents: Contents): Promise<DiskListing> => {
  const listing: DiskListing = {}
  const first = new Map<Inode, string>()
  for (const node of [tree.root, ...tree.walk()]) {
    const entry = tree.entry(node)
    const { type, layer, links } = node.inode
    const path = tree.pathOf(node) || '.'
    const isDevice = type.endsWith('device')
    const acls = (entry?.records ?? []).flatMap(record => aclXattr(record) ?? [])
    const xattrs = [...(entry?.xattrs ?? []), ...acls].map(
      ({ name, value }) => [name.toString('latin1'), value.toString('hex')] as const,
    )
    const { major, minor } = { major: entry?.devMajor ?? 0, minor: entry?.devMinor ?? 0 }
    const { seconds, nanos } = entry?.mtime ?? { seconds: 0, nanos: 0 }
    const found: Record<string, unknown> = {
      ...{ type: types[type], mode: type === 'symlink' ? 0o777 : (entry?.mode ?? 0o755) },
      ...{ uid: entry?.uid ?? 0, gid: entry?.gid ?? 0 },
      mtime: String(BigInt(seconds) * 1_000_000_000n + BigInt(nanos)),
      rdev: isDevice ? (minor & 0xff) + major * 0x100 + (minor >>> 8) * 0x100000 : 0,
      xattrs: Object.fromEntries(
        xattrs
          .filter(
            ([name]) =>
              !/^(?:trusted|user)\.overlay\./.test(name) &&
              (type === 'file' || type === 'directory' || !name.startsWith('user.')),
          )
          .sort(),
      ),
    }
    if (type === 'symlink') found.link = entry!.linkPath.toString('latin1')
    if (type === 'file') {
      const hash = createHash('sha256')
      if (entry!.size > 0)
        for await (const chunk of wholeContent(contents, { layer, entry: entry! })) hash.update(chunk)
      found.content = hash.digest('hex')
    }
    if (type !== 'directory' && links > 1) {
      const known = first.get(node.inode)
      if (known === undefined) first.set(node.inode, path)
      found.same = known ?? path
    }
    listing[path] = found
  }
  return listing
}

/** Names that only one file has are no names of the same file, whatever the number of links says; keys in order. */
export const tidyListing = (listing: DiskListing): DiskListing => {
  const paths = Object.keys(listing).sort()
  const groups = new Map<unknown, string[]>()
  for (const path of paths) {
    const { same } = listing[path]!
    if (same !== undefined) groups.set(same, [...(groups.get(same) ?? []), path])
  }
  return Object.fromEntries(
    paths.map(path => {
      const { same, ...rest } = listing[path]!
      const group = groups.get(same)
      return [path, group && group.length > 1 ? { ...rest, same: group[0] } : rest]
    }),
  )
}

/** What two listings do not agree on, a line each: short enough to read when there are thousands of files. */
export const listingDifferences = (found: DiskListing, wanted: DiskListing): readonly string[] =>
  [...new Set([...Object.keys(found), ...Object.keys(wanted)])].sort().flatMap(path => {
    const [is, should] = [found[path] ?? {}, wanted[path] ?? {}]
    return [...new Set([...Object.keys(is), ...Object.keys(should)])].flatMap(key => {
      const [a, b] = [is[key], should[key]].map(value => JSON.stringify(value) ?? 'nothing')
      return a === b ? [] : [`${JSON.stringify(path)} ${key}: ${a!.slice(0, 200)}, not ${b!.slice(0, 200)}`]
    })
  })
