import type { CommitResult } from '../image/interfaces.js'
import { selectRoots } from '../image/select.js'
import { LadingError } from '../spec/errors.js'
import { parseReference, withDefaultTag } from '../spec/reference.js'
import type { Store } from '../store/store.js'

export interface TagOptions {
  readonly store: Store
  /** A name or an ID. */
  readonly source: string
  readonly target: string
}

/** Give an image of the store one more name; whoever had the name loses it, which is returned. */
export const tag = async ({ store, source, target }: TagOptions): Promise<CommitResult['moved']> => {
  const name = parseReference(target)
  if (name.digest !== undefined)
    throw new LadingError(
      'USAGE',
      `Cannot tag as ${JSON.stringify(target)}: a name with a digest cannot be given`,
    )
  await using images = store.source()
  const [root, ...others] = await selectRoots(images, source)
  const latest = [root, ...others].find(found => found?.names.some(({ tag }) => tag === 'latest')) ?? root
  if (others.length > 0 && latest === root && !root!.names.some(({ tag }) => tag === 'latest'))
    throw new LadingError('AMBIGUOUS', `${JSON.stringify(source)} has several tags and no latest: say which`)
  return store.tag(latest!.descriptor.digest, withDefaultTag(name))
}
