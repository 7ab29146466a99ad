import type { Format, Root } from '../../image/interfaces.js'
import type { Warning } from '../../image/loss.js'
import type { AnySource } from '../../image/wrapped-source.js'
import type { Archive } from './archive.js'
import type { BlobTable } from './blob-table.js'

/**
 * An archive as a source: blobs from `table`, roots by `readRoots`, which is called once, when they are first
 * asked for, and may add to `warnings`. Owns `archive` from now on.
 */
export const archiveSource = (
  archive: Archive,
  table: BlobTable,
  format: Format,
  readRoots: (warnings: Warning[]) => Promise<readonly Root[]>,
): AnySource => {
  const warnings: Warning[] = []
  let roots: Promise<readonly Root[]> | undefined
  return {
    place: archive.place,
    format,
    warnings,
    roots: async () => {
      roots ??= readRoots(warnings)
      return roots
    },
    openBlob: (blob, options) => table.openBlob(blob, options),
    hasBlob: digest => table.hasBlob(digest),
    regionOf: digest => table.regionOf(digest),
    tocOf: diffId => table.tocOf(diffId),
    measurementOf: digest => table.measurementOf(digest),
    [Symbol.asyncDispose]: () => archive[Symbol.asyncDispose](),
  }
}
