import { posix } from 'node:path'
import type { Loss } from '../image/loss.js'
import type { FlatEntry } from '../layer/flat-entry.js'
import { flatEntries, flatTar } from '../layer/flat-tar.js'
import type { MergedTree, TreeNode } from '../layer/merged-tree.js'
import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { openOutput } from '../transports/archive/output.js'
import { copyInto } from '../transports/directory/copy-into.js'
import type { LookOptions } from './open-image.js'
import { type OpenTree, withTree } from './open-tree.js'

export interface CopyOptions extends LookOptions {
  /** A file or a folder in the place. */
  readonly path: string
  /** What a symbolic link at `path` leads to, under the link's name; without it the link itself. */
  readonly followLink?: boolean
  /** A folder that is there, a name that is to be, or `-` for a tar on standard output. */
  readonly destination: string
  /** Keep owners and extended attributes; without it what is copied belongs to whoever copies. */
  readonly archive?: boolean
}

/**
 * A file, or a folder with all that is in it, out of any place, as docker cp does it. An existing file is
 * replaced when the new one is whole; a folder is never merged into another. Throws NOT_FOUND, USAGE.
 */
export const cp = (options: CopyOptions): Promise<readonly Loss[]> =>
  withTree(options, async ({ tree, contents, snapshot }) => [
    ...(options.destination === '-' ? [] : (snapshot?.losses ?? [])),
    ...(await copyOut({ tree, contents }, options)),
  ])

/** The same out of a tree that is open. */
export const copyOut = async (
  { tree, contents }: Pick<OpenTree, 'tree' | 'contents'>,
  { path, destination, archive = false, followLink = false }: Omit<CopyOptions, keyof LookOptions>,
): Promise<readonly Loss[]> => {
  const bytes = Buffer.from(path).toString('latin1')
  const node = tree.lookup(bytes, { follow: followLink })
  if (node === undefined)
    throw new LadingError('NOT_FOUND', `There is no ${JSON.stringify(visible(path))} in it`)
  const name = node.parent && followLink ? posix.basename(bytes) : node.name
  const entries = entriesFrom(tree, node, { name, archive })
  if (destination === '-') {
    await (await openOutput('-')).write(flatTar(entries, contents))
    return []
  }
  return copyInto(destination, name === '' ? undefined : Buffer.from(name, 'latin1'), entries, contents)
}

/** The entries of what is at `node`, which is called `name` in the copy: that has none of the folders above. */
const entriesFrom = (
  tree: MergedTree,
  node: TreeNode,
  { name, archive }: { readonly name: string; readonly archive: boolean },
): readonly FlatEntry[] => {
  const from = tree.pathOf(node)
  const within = (path: string) => from === '' || path === from || path.startsWith(`${from}/`)
  const entries = [...flatEntries(tree, { includes: within })]
  const renamed = (path: Buffer) => Buffer.concat([Buffer.from(name, 'latin1'), path.subarray(from.length)])
  return entries
    .filter(({ entry }) => within(entry.path.toString('latin1').replace(/^\.?\/$|\/$/, '')))
    .map(({ entry, ...rest }) => ({
      ...rest,
      entry: {
        ...entry,
        path: renamed(entry.path),
        ...(entry.type === 'hardlink' && { linkPath: renamed(entry.linkPath!) }),
        ...(archive ? {} : { uid: 0, gid: 0, uname: none, gname: none, xattrs: [], records: [] }),
      },
    }))
}

const none = Buffer.alloc(0)
