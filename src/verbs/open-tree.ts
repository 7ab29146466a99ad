import { imageContents } from '../image/file-content.js'
import type { Warning } from '../image/loss.js'
import { type PickedImage, pickImage } from '../image/pick-image.js'
import type { Snapshot } from '../image/snapshot.js'
import type { BlobStage } from '../image/stage.js'
import type { AnySource } from '../image/wrapped-source.js'
import type { Content, Contents } from '../layer/content.js'
import { type MergedTree, mergeTocs, type TreeNode } from '../layer/merged-tree.js'
import { during, LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { openPlace } from '../transports/open-place.js'
import { parsePlace } from '../transports/place.js'
import type { LookOptions } from './open-image.js'

export type OpenImage = PickedImage & { readonly source: AnySource }

/** The file tree that a place shows: of an image its layers merged, of a snapshot what is there. */
export interface OpenTree {
  readonly tree: MergedTree
  readonly contents: Contents
  readonly image?: OpenImage
  readonly snapshot?: Snapshot
  readonly warnings: readonly Warning[]
}

export interface TreeOptions extends LookOptions {
  /** Whether all contents will be read: then those of a container are as of one moment. */
  readonly whole?: boolean
  /** What may begin with an image before its layers' tables of contents are read; what it gives is closed before the source. */
  readonly begin?: (image: OpenImage) => AsyncDisposable | undefined
}

/** Open the tree of a place, look at it, close it again. `stage` as in withSource. Errors say what was looked at. */
export const withTree = async <Result>(
  options: TreeOptions,
  look: (opened: OpenTree) => Promise<Result>,
  stage?: BlobStage,
): Promise<Result> => {
  const { place, platform, begin, whole = false, ...rest } = options
  try {
    const opened = await openPlace(parsePlace(place), {
      ...rest,
      tree: whole ? 'whole' : 'look',
      ...(stage && { stage }),
    })
    if ('snapshot' in opened) {
      await using snapshot = opened.snapshot
      const { tree, contents, warnings } = snapshot
      return await look({ tree, contents, snapshot, warnings })
    }
    await using source = opened.source
    const picked = await pickImage(source, platform)
    const image = { source, ...picked }
    await using _begun = begin?.(image)
    const tree = mergeTocs(await Promise.all(picked.image.layers.map(layer => layer.toc())))
    return await look({
      tree,
      contents: imageContents(source, picked.image),
      image,
      warnings: [...source.warnings, ...tree.oddities.map(message => ({ what: 'layer', message }))],
    })
  } catch (error) {
    throw during(`Cannot read ${place === '-' ? 'standard input' : place}`, error)
  }
}

/** The node at a path as a user writes it, links followed to the end. Throws NOT_FOUND. */
export const nodeAt = (tree: MergedTree, path: string): TreeNode => {
  const node = tree.lookup(Buffer.from(path).toString('latin1'), { follow: true })
  if (node !== undefined) return node
  throw new LadingError('NOT_FOUND', `There is no ${JSON.stringify(visible(path))} in it`, { data: { path } })
}

/** Where the content of a file is; undefined for what has none. */
export const contentAt = (tree: MergedTree, node: TreeNode): Content | undefined => {
  const entry = tree.entry(node)
  return entry && node.inode.type === 'file' ? { layer: node.inode.layer, entry } : undefined
}
