import type { ByteStream } from '../bytes/byte-stream.js'
import type { Progress } from '../bytes/progress.js'
import { type PickedImage, pickImage } from '../image/pick-image.js'
import type { BlobStage } from '../image/stage.js'
import type { AnySource } from '../image/wrapped-source.js'
import { during } from '../spec/errors.js'
import type { Platform } from '../spec/platform.js'
import type { ContainerOpener } from '../transports/containers.js'
import { openSource } from '../transports/open.js'
import { parsePlace } from '../transports/place.js'

/** What every verb that looks at one place is told. */
export interface LookOptions {
  readonly place: string
  readonly platform?: Platform
  readonly storeDirectory?: string
  readonly stdin?: ByteStream
  readonly progress?: Progress
  readonly containers?: ContainerOpener
}

/** Open a place, look at it, close it again. `stage` is for what comes by only once. Errors say what was looked at. */
export const withSource = async <Result>(
  options: LookOptions,
  look: (source: AnySource) => Promise<Result>,
  stage?: BlobStage,
): Promise<Result> => {
  const { place, platform: _, ...rest } = options
  try {
    await using source = await openSource(parsePlace(place), { ...rest, ...(stage && { stage }) })
    return await look(source)
  } catch (error) {
    throw during(`Cannot read ${place === '-' ? 'standard input' : place}`, error)
  }
}

/** withSource for the one image that the place stands for. */
export const withImage = <Result>(
  options: LookOptions,
  look: (picked: PickedImage & { source: AnySource }) => Promise<Result>,
  stage?: BlobStage,
): Promise<Result> =>
  withSource(options, async source => look({ source, ...(await pickImage(source, options.platform)) }), stage)
