/**
 * The folder with what a container has changed, as the table of contents of a layer: overlayfs's whiteouts (devices
 * 0:0, which may all be names of one inode) as `.wh.NAME`, its opaque folders with a marker in them.
 */
import { readFolder } from '../../layer/disk/read-folder.js'
import type { MergedTree } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { TocBuilder } from '../../layer/toc-builder.js'
import { visible } from '../../spec/escape.js'
import type { TarEntry } from '../../tar/entry.js'
import { isWhiteoutDevice } from './overlay-marks.js'

export interface UpperLayer {
  /** Paths of files are those in the folder. */
  readonly toc: Toc
  /** Paths (latin1) of opaque folders. */
  readonly opaque: ReadonlySet<string>
  /** What is not in it: sockets, which no tar has, and names that begin with .wh., which a layer would mean otherwise. */
  readonly sockets: readonly string[]
  readonly unsayable: readonly string[]
}

/** Read the folder that is open as `fd`. Its root is in the layer only if it is not as that of `image`. */
export const readUpperLayer = async (
  fd: number,
  opaqueMark: string,
  image: MergedTree,
): Promise<UpperLayer> => {
  const reading = await readFolder(fd, { opaqueMark })
  const opaque = new Set(reading.opaque)
  const builder = new TocBuilder()
  const whiteouts = new Set<string>()
  const unsayable: string[] = []
  /** Content of which the first name is left out, and the name that has it then. */
  const homeless = new Map<string, TarEntry>()
  const heirs = new Map<string, Buffer>()
  for (const entry of reading.toc) {
    const path = entry.path.toString('latin1').replace(/\/$/, '')
    const slash = path.lastIndexOf('/') + 1
    const target = entry.linkPath.toString('latin1')
    if (path === '.') {
      if (!isSameRoot(entry, image.entry(image.root))) builder.add(entry)
    } else if (/(?:^|\/)\.wh\./.test(path)) {
      unsayable.push(visible(entry.path))
      homeless.set(path, entry.type === 'hardlink' ? (homeless.get(target) ?? entry) : entry)
    } else if (isWhiteoutDevice(entry) || (entry.type === 'hardlink' && whiteouts.has(target))) {
      whiteouts.add(path)
      builder.add(marker(entry, `${path.slice(0, slash)}.wh.${path.slice(slash)}`))
    } else if (entry.type === 'hardlink' && homeless.has(target)) {
      const heir = heirs.get(target)
      builder.add(heir ? { ...entry, linkPath: heir } : { ...homeless.get(target)!, path: entry.path })
      if (!heir) heirs.set(target, entry.path)
    } else {
      builder.add(entry)
      if (opaque.has(path)) builder.add(marker(entry, `${path}/.wh..wh..opq`))
    }
  }
  return { toc: builder.finish(0), opaque, sockets: reading.sockets, unsayable }
}

const marker = (entry: TarEntry, path: string): TarEntry => ({
  ...entry,
  ...{ path: Buffer.from(path, 'latin1'), type: 'file', mode: 0o600, size: 0, storedSize: 0, xattrs: [] },
  ...{ linkPath: Buffer.alloc(0), devMajor: 0, devMinor: 0 },
})

/** Its time says only that something was made or removed in it. */
const isSameRoot = (upper: TarEntry, image: TarEntry | undefined): boolean => {
  const { mode, uid, gid, xattrs } = image ?? { mode: 0o755, uid: 0, gid: 0, xattrs: [] }
  return (
    upper.mode === mode &&
    upper.uid === uid &&
    upper.gid === gid &&
    xattrsText(upper.xattrs) === xattrsText(xattrs)
  )
}

/** All attributes as one text, for comparison. */
export const xattrsText = (xattrs: TarEntry['xattrs']): string =>
  xattrs
    .map(({ name, value }) => `${name.toString('hex')}=${value.toString('hex')}`)
    .sort()
    .join()
