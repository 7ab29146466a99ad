import type { MergedTree } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { TocBuilder } from '../../layer/toc-builder.js'
import type { TarEntry } from '../../tar/entry.js'

const folders = ['dev', 'dev/pts', 'dev/shm', 'proc', 'sys']
const files = ['.dockerenv', 'dev/console', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf']

/**
 * What a container has besides its image's files, as a layer on top of them: places to mount on, as docker's
 * init layer has them, so that they are no changes of the container. Folders of the image stay as they are,
 * anything else on these paths gives way: a symbolic link there would lead a mount astray.
 */
export const stubsFor = (tree: MergedTree): Toc => {
  const builder = new TocBuilder()
  const add = (path: string, rest: Partial<TarEntry> & Pick<TarEntry, 'type'>) => {
    if (tree.lookup(path)?.inode.type === 'directory') return
    builder.add({
      ...{ path: Buffer.from(path), mode: 0o755, uid: 0, gid: 0, uname: none, gname: none },
      ...{ mtime: { seconds: 0, nanos: 0 }, size: 0, linkPath: none, devMajor: 0, devMinor: 0, xattrs: [] },
      ...{ headerOffset: 0, dataOffset: 0, storedSize: 0 },
      ...rest,
    })
  }
  for (const path of folders) add(path, { type: 'directory' })
  for (const path of files) add(path, { type: 'file' })
  add('etc/mtab', { type: 'symlink', mode: 0o777, linkPath: Buffer.from('/proc/mounts') })
  return builder.finish(0)
}

const none = Buffer.alloc(0)
