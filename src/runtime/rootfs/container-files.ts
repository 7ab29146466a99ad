/**
 * The files of a container without mounting them: those of its image with what it has changed on top, as two
 * trees to compare and contents to read. Whoever wants them as of one moment freezes the container.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { imageContents } from '../../image/file-content.js'
import { changesetEntries } from '../../layer/changeset.js'
import type { Content, Contents } from '../../layer/content.js'
import { openFolderContents } from '../../layer/disk/folder-contents.js'
import type { FlatEntry } from '../../layer/flat-entry.js'
import { addLayer, type MergedTree, mergeTocs, type TreeNode } from '../../layer/merged-tree.js'
import type { Toc } from '../../layer/toc.js'
import { TocBuilder } from '../../layer/toc-builder.js'
import { LadingError } from '../../spec/errors.js'
import { opaqueMark } from './overlay-marks.js'
import type { ImageToRun } from './prepare.js'
import { readRecord } from './record.js'
import type { RootfsPlace } from './rootfs.js'
import { stubsFor } from './stubs.js'
import { tocOfEntries } from './toc-of-entries.js'
import { readUpperLayer, xattrsText } from './upper-layer.js'

/** Trees are made when they are first asked for. */
export interface ContainerFiles extends AsyncDisposable {
  /** The image alone: whoever asks may add to it. */
  readonly image: MergedTree
  /** The image with the stubs that every container gets: what changes are told against. */
  readonly before: MergedTree
  /** The files as the container sees them, what is mounted in it aside. */
  readonly after: MergedTree
  /** Of `after`, and of the entries of `layer`. */
  readonly contents: Contents
  /** What the container has changed, as a layer on top of the image. */
  readonly changes: Toc
  /** Of `changes`, whatever their layer is said to be. */
  readonly own: Contents
  /** One new layer that makes `after` of `before`, in the order of a tar. */
  layer(): readonly FlatEntry[]
  /** Paths of what is in neither tree: sockets, and names that begin with .wh. */
  readonly sockets: readonly string[]
  readonly unsayable: readonly string[]
}

export interface ContainerFilesOptions {
  readonly place: RootfsPlace
  /** The image that the container was made of. */
  readonly image: ImageToRun
  /** Of the image's files; if absent each is read by itself, which suits those who read few. */
  readonly contents?: Contents
}

/** Throws NOT_FOUND where no root file system was prepared. */
export const openContainerFiles = async ({
  place,
  image: { source, image },
  contents = imageContents(source, image),
}: ContainerFilesOptions): Promise<ContainerFiles> => {
  const { kind, rootless } = await readRecord(place)
  const isCopy = kind === 'copy'
  const tocs = await Promise.all(image.layers.map(layer => layer.toc()))
  const before = mergeTocs(tocs)
  const stubs = stubsFor(before)
  addLayer(before, stubs)
  const folder = await openFolder(join(place.folder, isCopy ? 'tree' : 'upper'))
  try {
    const { toc, opaque, ...left } = await readUpperLayer(
      folder.fd,
      opaqueMark[rootless ? 'rootless' : 'root'],
      before,
    )
    const imageTree = once(() => mergeTocs(tocs))
    // A copy is all there is; its number is another than that of any layer of the image all the same.
    const lower = [...tocs, stubs].map(below => (isCopy ? new TocBuilder().finish(0) : below))
    const after = once(() => mergeTocs([...lower, toc]))
    const layer = () =>
      changesetEntries(before, after(), isCopy ? { isSame: looksSame(before, after()) } : { opaque })
    const changes = once(() => (isCopy ? tocOfEntries(layer()) : toc))
    const own = await openFolderContents(folder.fd)
    const isOwn = ({ layer }: Content) => layer === tocs.length + 1
    return {
      before,
      get image() {
        return imageTree()
      },
      get after() {
        return after()
      },
      get changes() {
        return changes()
      },
      ...{ own, layer, ...left },
      contents: {
        stored: content => (isOwn(content) ? own : contents).stored(content),
        regionOf: content => (isOwn(content) ? undefined : contents.regionOf?.(content)),
        fillOf: content => (isOwn(content) ? own : contents).fillOf?.(content),
      },
      [Symbol.asyncDispose]: () => {
        own.close()
        return folder.close()
      },
    }
  } catch (error) {
    await folder.close()
    throw error
  }
}

const once = <Value>(make: () => Value): (() => Value) => {
  let made: { readonly value: Value } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const openFolder = async (path: string): Promise<FileHandle> => {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (cause) {
    throw new LadingError('NOT_FOUND', `There is no folder ${path} with the files of the container`, {
      cause,
    })
  }
}

/** Whether two files are alike in all but their contents, which are taken to be when their times are. */
const looksSame =
  (before: MergedTree, after: MergedTree) =>
  (old: TreeNode | undefined, now: TreeNode): boolean => {
    if (old === undefined || old.inode.type !== now.inode.type) return false
    const [x, y] = [before.entry(old) ?? implied, after.entry(now) ?? implied]
    const isFolder = now.children !== undefined
    return (
      (x.mode === y.mode || now.inode.type === 'symlink') &&
      x.uid === y.uid &&
      x.gid === y.gid &&
      x.size === y.size &&
      x.mtime.seconds === y.mtime.seconds &&
      x.mtime.nanos === y.mtime.nanos &&
      x.devMajor === y.devMajor &&
      x.devMinor === y.devMinor &&
      (now.inode.type !== 'symlink' || x.linkPath.equals(y.linkPath)) &&
      (isFolder || old.inode.links === now.inode.links) &&
      xattrsText(x.xattrs) === xattrsText(y.xattrs)
    )
  }

const implied = {
  ...{ mode: 0o755, uid: 0, gid: 0, size: 0, mtime: { seconds: 0, nanos: 0 } },
  ...{ devMajor: 0, devMinor: 0, linkPath: Buffer.alloc(0), xattrs: [] },
}
