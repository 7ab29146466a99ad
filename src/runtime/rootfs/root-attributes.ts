import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { AttributeWriter } from '../../layer/disk/attribute-writer.js'
import { loadSystemCalls, pathIn } from '../../layer/disk/system-calls.js'
import { extraOf } from '../../layer/disk/tree-row.js'
import { attributesOf } from '../../layer/flat-entry.js'
import type { MergedTree } from '../../layer/merged-tree.js'
import { inodeXattrs, isOverlayXattr } from './overlay-marks.js'

/** What the folder `/` is like. JSON; values of attributes in base64. */
export interface RootAttributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly seconds: number
  readonly nanos: number
  readonly xattrs: readonly (readonly [name: string, value: string])[]
}

export const rootAttributesOf = (tree: MergedTree): RootAttributes => {
  const entry = tree.entry(tree.root)
  const { mode = 0o755, uid = 0, gid = 0, mtime = { seconds: 0, nanos: 0 } } = attributesOf(entry)
  return { mode, uid, gid, ...mtime, xattrs: inodeXattrs(entry).map(pair) }
}

/** Of a folder on disk. */
export const readRootAttributes = async (path: string): Promise<RootAttributes> => {
  const system = await loadSystemCalls()
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const { mode, uid, gid, mtimeNs } = fstatSync(fd, { bigint: true })
    const nanos = Number(((mtimeNs % billion) + billion) % billion)
    return {
      ...{ mode: Number(mode & 0o7777n), uid: Number(uid), gid: Number(gid), nanos },
      seconds: Number((mtimeNs - BigInt(nanos)) / billion),
      xattrs: system.xattrs(pathIn(fd, here)).flatMap(xattr => (isOverlayXattr(xattr) ? [] : [pair(xattr)])),
    }
  } finally {
    closeSync(fd)
  }
}

/** Give them to a folder: overlayfs shows the upper folder's own as those of `/`. */
export const giveRootAttributes = async (path: string, root: RootAttributes): Promise<void> => {
  const rules = { uid: process.geteuid!(), gid: process.getegid!(), withheld: 0o777 }
  const writer = new AttributeWriter(await loadSystemCalls(), rules)
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    const { xattrs, ...rest } = root
    const extra = extraOf({
      xattrs: xattrs.map(([name, value]) => ({
        name: Buffer.from(name, 'latin1'),
        value: Buffer.from(value, 'base64'),
      })),
    })
    writer.finish(fd, { ...rest, type: 'directory', extra }, false)
  } finally {
    closeSync(fd)
  }
}

const here = Buffer.from('.')
const billion = 1_000_000_000n

const pair = ({ name, value }: { name: Buffer; value: Buffer }): readonly [string, string] => [
  name.toString('latin1'),
  value.toString('base64'),
]
