import { measuringStage } from '../transports/archive/stages.js'
import { globMatcher } from './glob.js'
import { describe, type ListedEntry } from './ls.js'
import type { LookOptions } from './open-image.js'
import { withTree } from './open-tree.js'

export interface FindOptions extends LookOptions {
  readonly glob: string
}

/** Every name in the tree of a place that the glob matches, in byte order. */
export const find = (options: FindOptions): Promise<readonly ListedEntry[]> =>
  withTree(
    options,
    async ({ tree }) => {
      const matches = globMatcher(options.glob)
      return Array.from(tree.walk())
        .filter(node => matches(tree.pathOf(node)))
        .map(node => describe(tree, node))
    },
    measuringStage,
  )
