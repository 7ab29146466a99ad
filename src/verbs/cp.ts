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
  /** A file or a folder in the place; a symbolic link is copied as one. */
  readonly path: string
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
  { path, destination, archive = false }: Pick<CopyOptions, 'path' | 'destination' | 'archive'>,
): Promise<readonly Loss[]> => {
  const node = tree.lookup(Buffer.from(path).toString('latin1'))
  if (node === undefined)
    throw new LadingError('NOT_FOUND', `There is no ${JSON.stringify(visible(path))} in it`)
  const entries = entriesFrom(tree, node, archive)
  if (destination === '-') {
    await (await openOutput('-')).write(flatTar(entries, contents))
    return []
  }
  return copyInto(destination, node.parent ? Buffer.from(node.name, 'latin1') : undefined, entries, contents)
}

/** The entries of what is at `node`, named from there on: the copy has none of the folders above. */
const entriesFrom = (tree: MergedTree, node: TreeNode, archive: boolean): readonly FlatEntry[] => {
  const from = tree.pathOf(node)
  const above = from.slice(0, from.length - node.name.length)
  const within = (path: string) => from === '' || path === from || path.startsWith(`${from}/`)
  const entries = [...flatEntries(tree, { includes: within })]
  const cut = (path: Buffer) => path.subarray(above.length)
  return entries
    .filter(({ entry }) => within(entry.path.toString('latin1').replace(/^\.?\/$|\/$/, '')))
    .map(({ entry, ...rest }) => ({
      ...rest,
      entry: {
        ...entry,
        path: cut(entry.path),
        ...(entry.type === 'hardlink' && { linkPath: cut(entry.linkPath!) }),
        ...(archive ? {} : { uid: 0, gid: 0, uname: none, gname: none, xattrs: [], records: [] }),
      },
    }))
}

const none = Buffer.alloc(0)
