import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { loadSystemCalls, pathIn } from '../../layer/disk/system-calls.js'
import { attributesOf } from '../../layer/flat-entry.js'
import type { MergedTree } from '../../layer/merged-tree.js'
import { inodeXattrs, isOverlayXattr } from './overlay-marks.js'
import type { RootAttributes } from './root-attributes.js'

/** Of an image's tree. */
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

const here = Buffer.from('.')
const billion = 1_000_000_000n

const pair = ({ name, value }: { name: Buffer; value: Buffer }): readonly [string, string] => [
  name.toString('latin1'),
  value.toString('base64'),
]
