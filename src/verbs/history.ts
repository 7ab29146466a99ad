import { fileSource } from '../bytes/file-source.js'
import type { Layer } from '../image/interfaces.js'
import { plainRegion } from '../image/plain-layer.js'
import type { AnySource } from '../image/wrapped-source.js'
import { countFiles, countFilesIn } from '../layer/count-files.js'
import type { Digest } from '../spec/digest.js'
import { LadingError } from '../spec/errors.js'
import { measuringStage } from '../transports/archive/stages.js'
import { type LookOptions, withImage } from './open-image.js'

export interface HistoryRow {
  readonly created?: string
  readonly createdBy?: string
  readonly author?: string
  readonly comment?: string
  /** The layer that this step made; absent where it made none. */
  readonly layer?: {
    readonly diffId: Digest
    readonly digest: Digest
    /** Bytes as stored. */
    readonly size: number
    /** Entries that are not folders; absent where the layer is not there to be counted. */
    readonly files?: number
  }
}

/**
 * How an image was made, newest step first, each with the layer that it made. Layers that no step accounts for
 * stand on top, alone; a step that claims a layer that is not there stands without.
 */
export const history = (options: LookOptions): Promise<readonly HistoryRow[]> =>
  withImage(
    options,
    async ({ source, image }) => {
      const layers = await Promise.all(
        image.layers.map(async layer => {
          const { diffId, descriptor } = layer
          const files = await filesOf(source, layer)
          return {
            diffId,
            digest: descriptor.digest,
            size: descriptor.size,
            ...(files !== undefined && { files }),
          }
        }),
      )
      const rows: HistoryRow[] = image.history.entries.map(
        ({ entry: { emptyLayer: _, ...entry }, layer }) => ({
          ...entry,
          ...(layer !== undefined && { layer: layers[layer]! }),
        }),
      )
      const told = layers.length - image.history.missing
      for (const layer of layers.slice(told)) rows.push({ layer })
      return rows.reverse()
    },
    measuringStage,
  )

/** How a layer was made can be told of one that was left out of the archive. */
const filesOf = async (source: AnySource, layer: Layer): Promise<number | undefined> => {
  try {
    const kept = await source.tocOf?.(layer.diffId)
    const region = kept ? undefined : await plainRegion(source, layer)
    return region ? await countFiles(fileSource(region)) : countFilesIn(kept ?? (await layer.toc()))
  } catch (error) {
    if (error instanceof LadingError && error.code === 'BLOB_MISSING') return undefined
    throw error
  }
}
