/** One step of an image's making, OCI image-spec config.md `history`. `created` as it stood there. */
export interface HistoryEntry {
  readonly created?: string
  readonly createdBy?: string
  readonly author?: string
  readonly comment?: string
  readonly emptyLayer: boolean
}

export interface PairedHistory {
  /** Oldest first; `layer` counts from the base, 0 first, and is absent where the step made none. */
  readonly entries: readonly { readonly entry: HistoryEntry; readonly layer?: number }[]
  /** Layers at the top that no entry accounts for (buildah and docker import leave such images). */
  readonly missing: number
  /** Entries that claim a layer that is not there; `docker history` fails on them, we show them without one. */
  readonly surplus: number
}

/**
 * Which entry made which layer. There is no link between the two lists but their order: every entry that is
 * not `empty_layer` takes the next layer. Too few, too many and no entries at all are all seen in the wild.
 */
export const pairHistory = (history: readonly HistoryEntry[], layerCount: number): PairedHistory => {
  let next = 0
  const entries = history.map(entry =>
    entry.emptyLayer || next >= layerCount ? { entry } : { entry, layer: next++ },
  )
  const claimed = history.filter(entry => !entry.emptyLayer).length
  return { entries, missing: Math.max(0, layerCount - claimed), surplus: Math.max(0, claimed - layerCount) }
}
