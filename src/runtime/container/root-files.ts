/**
 * Files of a container's root file system that are read before it is mounted: /etc/passwd and /etc/group. Links
 * are resolved in the container, one step after the other: nothing outside of it is ever looked at. It must not run.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { MergedTree } from '../../layer/merged-tree.js'
import type { Rootfs } from '../rootfs/rootfs.js'
import { largestUserFile, type ReadUserFile } from '../users.js'
import type { OpenedImage } from './image.js'

type Found =
  | { readonly is: 'folder' }
  | { readonly is: 'link'; readonly target: string }
  | { readonly is: 'file'; read(): Promise<Uint8Array> }

const mostLinks = 40

/** Reads through what the container has changed to its image. The image's table of contents is loaded when it is needed. */
export const rootFiles = (
  rootfs: Pick<Rootfs, 'upper' | 'tree'>,
  openImage: () => Promise<OpenedImage>,
): ReadUserFile => {
  let loaded: Promise<{ image: OpenedImage; tree: MergedTree }> | undefined
  const load = async () => {
    const image = await openImage()
    const { mergeTocs } = await import('../../layer/merged-tree.js')
    return { image, tree: mergeTocs(await Promise.all(image.image.layers.map(layer => layer.toc()))) }
  }
  const find = async (path: string): Promise<Found | undefined> => {
    const own = rootfs.tree ?? rootfs.upper
    const found = own === undefined ? undefined : onDisk(join(own, path))
    if (found === 'removed') return undefined
    if (found !== undefined || rootfs.tree !== undefined) return found
    loaded ??= load()
    return inImage(await loaded, path)
  }
  return async wanted => {
    let rest = wanted.split('/').filter(part => part !== '')
    let path = ''
    for (let links = 0; ; ) {
      const [part, ...others] = rest
      if (part === undefined) return undefined
      rest = others
      if (part === '.') continue
      if (part === '..') {
        path = path.slice(0, Math.max(0, path.lastIndexOf('/')))
        continue
      }
      const found = await find(`${path}/${part}`)
      if (found?.is === 'folder') path = `${path}/${part}`
      else if (found?.is === 'file') return rest.length === 0 ? found.read() : undefined
      else if (found?.is === 'link' && ++links <= mostLinks) {
        if (found.target.startsWith('/')) path = ''
        rest = [...found.target.split('/').filter(part => part !== ''), ...rest]
      } else return undefined
    }
  }
}

/** Folders above it have been looked at before. `removed`: a whiteout of overlayfs, a device 0:0. */
const onDisk = (path: string): Found | 'removed' | undefined => {
  const status = lstatSync(path, { throwIfNoEntry: false })
  if (status === undefined) return undefined
  if (status.isDirectory()) return { is: 'folder' }
  if (status.isSymbolicLink()) return { is: 'link', target: readlinkSync(path) }
  if (!status.isFile()) return 'removed'
  return { is: 'file', read: async () => readStart(path) }
}

const readStart = (path: string): Uint8Array => {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(descriptor).size, largestUserFile + 1))
    return bytes.subarray(0, readSync(descriptor, bytes))
  } finally {
    closeSync(descriptor)
  }
}

const inImage = (
  { image, tree }: { image: OpenedImage; tree: MergedTree },
  path: string,
): Found | undefined => {
  const node = tree.lookup(Buffer.from(path).toString('latin1'))
  if (node === undefined) return undefined
  const entry = tree.entry(node)
  if (node.inode.type === 'directory') return { is: 'folder' }
  if (node.inode.type === 'symlink' && entry) return { is: 'link', target: entry.linkPath.toString() }
  if (node.inode.type !== 'file' || !entry) return undefined
  const { layer } = node.inode
  return {
    is: 'file',
    read: async () => {
      // As longest as it may be, and one byte more to tell.
      if (entry.size > largestUserFile) return Buffer.alloc(largestUserFile + 1)
      const { collect } = await import('../../bytes/collect.js')
      const { imageContents } = await import('../../image/file-content.js')
      const { wholeContent } = await import('../../layer/content.js')
      const contents = imageContents(image.source, image.image)
      return collect(wholeContent(contents, { layer, entry }), { max: largestUserFile, what: path })
    },
  }
}
