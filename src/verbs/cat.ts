import type { ByteStream } from '../bytes/byte-stream.js'
import { wholeContent } from '../layer/content.js'
import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import type { LookOptions } from './open-image.js'
import { contentAt, nodeAt, withTree } from './open-tree.js'

export interface CatOptions extends LookOptions {
  readonly path: string
  /** Takes the content. */
  readonly write: (stream: ByteStream) => Promise<void>
}

/** The content of a file of any place's tree, symbolic links followed inside it. Throws NOT_FOUND, UNSUPPORTED for what is no file. */
export const cat = (options: CatOptions): Promise<void> =>
  withTree(options, async ({ tree, contents }) => {
    const node = nodeAt(tree, options.path)
    const content = contentAt(tree, node)
    if (content === undefined)
      throw new LadingError(
        'UNSUPPORTED',
        `${JSON.stringify(visible(options.path))} has no content: it is a ${node.inode.type}`,
      )
    await options.write(wholeContent(contents, content))
  })
