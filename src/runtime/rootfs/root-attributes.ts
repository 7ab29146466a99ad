import { chmodSync, chownSync, closeSync, constants, openSync, utimesSync } from 'node:fs'

/** What the folder `/` is like. JSON; values of attributes in base64. */
export interface RootAttributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly seconds: number
  readonly nanos: number
  readonly xattrs: readonly (readonly [name: string, value: string])[]
}

/** Give them to a folder: overlayfs shows the upper folder's own as those of `/`. */
export const giveRootAttributes = async (path: string, root: RootAttributes): Promise<void> => {
  const { mode, uid, gid, seconds } = root
  // What most images have needs nothing that Node lacks, and this is done at each start of a new container.
  if (root.xattrs.length === 0 && root.nanos === 0 && seconds >= 0 && process.getuid?.() === 0) {
    chownSync(path, uid, gid)
    chmodSync(path, mode)
    return utimesSync(path, seconds, seconds)
  }
  const { AttributeWriter } = await import('../../layer/disk/attribute-writer.js')
  const { loadSystemCalls } = await import('../../layer/disk/system-calls.js')
  const { extraOf } = await import('../../layer/disk/tree-row.js')
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
