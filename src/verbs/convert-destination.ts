import type { Progress } from '../bytes/progress.js'
import type { ImageSink } from '../image/interfaces.js'
import type { Loss, Warning } from '../image/loss.js'
import type { BlobStage } from '../image/stage.js'
import type { Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import type { Platform } from '../spec/platform.js'
import { parseReference, type Reference, withDefaultTag } from '../spec/reference.js'
import { openStore } from '../store/store.js'
import { openSpoolStage } from '../transports/archive/stages.js'
import type { ContainerOpener } from '../transports/containers.js'
import { type LayerCompression, openSink } from '../transports/open-sink.js'
import type { ImagePlace } from '../transports/place.js'
import type { HistoryPolicy } from './rewrite-image.js'

export interface ConvertOptions {
  /** Places. */
  readonly source: string
  readonly destination: string
  /** Make all layers one. */
  readonly flatten?: boolean
  /** Make these layers one, 1 for the base, both ends included. */
  readonly squash?: { readonly from: number; readonly to: number }
  readonly history?: HistoryPolicy
  readonly changes?: readonly string[]
  readonly platform?: Platform
  readonly compress?: LayerCompression
  /** Fail, rather than change a digest. */
  readonly preserveDigests?: boolean
  readonly storeDirectory: string
  readonly progress?: Progress
  readonly containers?: ContainerOpener
}

export interface ConvertResult {
  readonly images: readonly { readonly names: readonly Reference[]; readonly digest: Digest }[]
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/** Where images go, and where blobs that come by only once are kept until they are written. */
interface Destination extends AsyncDisposable {
  readonly sink: ImageSink
  readonly stage: BlobStage
}

/** A store is a destination like any other; its query is the name that the image gets. */
export const openDestination = async (
  { storeDirectory, compress, platform, preserveDigests }: ConvertOptions,
  place: ImagePlace,
): Promise<Destination> => {
  if (preserveDigests && compress !== undefined)
    throw new LadingError(
      'USAGE',
      'Layers cannot be re-encoded and keep their digests: leave out --compress or --preserve-digests',
    )
  if (place.kind === 'store') {
    const session = await (await openStore(storeDirectory, { create: true })).session()
    const named = place.query === undefined ? undefined : withDefaultTag(parseReference(place.query))
    const sink: ImageSink = {
      place: session.place,
      write: tree => session.write(named ? { ...tree, root: { ...tree.root, names: [named] } } : tree),
      commit: () => session.commit(),
      [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
    }
    return { sink, stage: session, [Symbol.asyncDispose]: () => session[Symbol.asyncDispose]() }
  }
  const sink = await openSink(place, { ...(compress && { compress }), ...(platform && { platform }) })
  const stage = await openSpoolStage()
  return {
    ...{ sink, stage },
    [Symbol.asyncDispose]: async () => {
      await sink[Symbol.asyncDispose]()
      await stage[Symbol.asyncDispose]()
    },
  }
}
