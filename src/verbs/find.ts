import { mergeTocs } from '../layer/merged-tree.js'
import { measuringStage } from '../transports/archive/stages.js'
import { globMatcher } from './glob.js'
import { describe, type ListedEntry } from './ls.js'
import { type LookOptions, withImage } from './open-image.js'

export interface FindOptions extends LookOptions {
  readonly glob: string
}

/** Every name in the merged tree that the glob matches, in byte order. */
export const find = (options: FindOptions): Promise<readonly ListedEntry[]> =>
  withImage(
    options,
    async ({ image }) => {
      const matches = globMatcher(options.glob)
      const tree = mergeTocs(await Promise.all(image.layers.map(layer => layer.toc())))
      return Array.from(tree.walk())
        .filter(node => matches(tree.pathOf(node)))
        .map(node => describe(tree, node))
    },
    measuringStage,
  )
