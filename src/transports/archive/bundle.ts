import type { CommitResult, ImageSink, Tree } from '../../image/interfaces.js'
import type { Loss } from '../../image/loss.js'
import type { Digest } from '../../spec/digest.js'
import type { Platform } from '../../spec/platform.js'
import { fullName, type Reference } from '../../spec/reference.js'
import type { Output } from './output.js'
import { type LayerCompression, openRecompressor } from './recompress.js'
import { type ArchiveEntry, packArchive } from './writer.js'

/** What every archive sink is told. */
export interface BundleOptions {
  readonly compress?: LayerCompression
  readonly platform?: Platform
}

/** The trees of an archive before it is written: each root once, each name once. */
export interface Bundle extends AsyncDisposable {
  add(tree: Tree): Promise<void>
  readonly trees: readonly Tree[]
  readonly losses: readonly Loss[]
  readonly moved: CommitResult['moved']
}

/** Trees that were added are pulled from until the bundle is disposed of: their sources must stay open. */
export const openBundle = ({ compress }: BundleOptions): Bundle => {
  const trees = new Map<Digest, Tree>()
  const owners = new Map<string, { name: Reference; digest: Digest }>()
  const losses: Loss[] = []
  const moved: CommitResult['moved'][number][] = []
  const recompressor = compress && openRecompressor(compress)

  /** A name stands for one image: the one that came last, as with docker load. */
  const claim = (name: Reference, digest: Digest): void => {
    const key = fullName(name)
    const owner = owners.get(key)
    owners.set(key, { name, digest })
    if (owner === undefined || owner.digest === digest) return
    moved.push({ name, from: owner.digest, to: digest })
    losses.push({
      ...{ what: 'name', where: key, count: 1 },
      why: `two images claim it: ${digest}, which came last, has it, and ${owner.digest} is kept without it`,
    })
  }
  return {
    add: async given => {
      const { tree, losses: more } = recompressor
        ? await recompressor.tree(given)
        : { tree: given, losses: [] }
      const { digest } = tree.root.descriptor
      for (const name of tree.root.names) claim(name, digest)
      if (trees.has(digest)) return
      trees.set(digest, tree)
      losses.push(...more)
    },
    get trees() {
      return [...trees].map(([digest, tree]) => {
        const names = [...owners.values()].filter(owner => owner.digest === digest).map(owner => owner.name)
        return { ...tree, root: { ...tree.root, names } }
      })
    },
    losses,
    moved,
    [Symbol.asyncDispose]: async () => recompressor?.[Symbol.asyncDispose](),
  }
}

/** What one format makes of the trees. */
export interface Composition {
  readonly entries: Iterable<ArchiveEntry>
  readonly losses: readonly Loss[]
}

/** An ImageSink that gathers trees, and at commit writes what `compose` makes of them as one tar. */
export const bundleSink = (
  output: Output,
  options: BundleOptions,
  compose: (trees: readonly Tree[]) => Promise<Composition>,
): ImageSink => {
  const bundle = openBundle(options)
  return {
    place: output.place,
    write: tree => bundle.add(tree),
    commit: async () => {
      const { entries, losses } = await compose(bundle.trees)
      await output.write(packArchive(entries))
      return { losses: [...bundle.losses, ...losses], moved: bundle.moved }
    },
    [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose](),
  }
}
