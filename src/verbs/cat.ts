import type { ByteStream } from '../bytes/byte-stream.js'
import { openFileContent } from '../image/file-content.js'
import { mergeTocs } from '../layer/merged-tree.js'
import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { type LookOptions, withImage } from './open-image.js'

export interface CatOptions extends LookOptions {
  readonly path: string
  /** Takes the content. */
  readonly write: (stream: ByteStream) => Promise<void>
}

/** The content of a file of the merged tree, symbolic links followed inside the image. Throws NOT_FOUND, UNSUPPORTED for what is no file. */
export const cat = (options: CatOptions): Promise<void> =>
  withImage(options, async ({ source, image }) => {
    const shown = JSON.stringify(visible(options.path))
    const tree = mergeTocs(await Promise.all(image.layers.map(layer => layer.toc())))
    const node = tree.lookup(Buffer.from(options.path).toString('latin1'), { follow: true })
    if (node === undefined) throw new LadingError('NOT_FOUND', `There is no ${shown} in the image`)
    const entry = tree.entry(node)
    if (entry === undefined || node.inode.type !== 'file')
      throw new LadingError('UNSUPPORTED', `${shown} has no content: it is a ${node.inode.type}`)
    await options.write(openFileContent(source, image.layers[node.inode.layer]!, entry))
  })
