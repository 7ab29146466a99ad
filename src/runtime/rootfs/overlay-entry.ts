import type { FlatEntry } from '../../layer/flat-entry.js'
import { whiteoutOf } from '../../layer/whiteout.js'
import { inodeXattrs, isWhiteoutDevice } from './overlay-marks.js'

/**
 * The entry of a layer as a folder of overlayfs has it: a device 0:0 for a whiteout, and nothing of overlayfs's own that
 * a layer may bring. Of other markers there is nothing.
 */
export const forOverlay = (flat: FlatEntry): readonly FlatEntry[] => {
  const { entry } = flat
  if (isWhiteoutDevice(entry)) return []
  const hidden = whiteoutOf(entry.path.toString('latin1'))
  if (hidden?.kind === 'whiteout') {
    const path = Buffer.from(hidden.target, 'latin1')
    return [{ entry: { path, type: 'character-device', mode: 0, devMajor: 0, devMinor: 0 } }]
  }
  if (hidden !== undefined) return []
  if (!entry.xattrs?.length && !entry.records) return [flat]
  const { records, xattrs = [], ...rest } = entry
  return [
    {
      ...flat,
      entry: { ...rest, xattrs: inodeXattrs({ type: entry.type, xattrs, ...(records && { records }) }) },
    },
  ]
}
