import type { FlatEntry } from '../../layer/flat-entry.js'
import type { Toc } from '../../layer/toc.js'
import { TocBuilder } from '../../layer/toc-builder.js'

const none = Buffer.alloc(0)

/** Entries as a table of contents, without a tar: `dataOffset` says nothing. Field by field, as in flat-entry.ts. */
export const tocOfEntries = (entries: readonly FlatEntry[]): Toc => {
  const builder = new TocBuilder()
  for (const { entry, content } of entries) {
    const { path, type, mode = 0o755, uid = 0, gid = 0, uname = none, gname = none, size = 0 } = entry
    const { mtime = { seconds: 0, nanos: 0 }, linkPath = none, devMajor = 0, devMinor = 0 } = entry
    const { xattrs = [], records } = entry
    const storedSize = content?.entry.storedSize ?? 0
    // Holes that no tar header can say are holes here.
    const sparse = content?.entry.sparse
    const found = {
      path,
      type,
      mode,
      uid,
      gid,
      uname,
      gname,
      mtime,
      size,
      linkPath,
      devMajor,
      devMinor,
      xattrs,
      headerOffset: 0,
      dataOffset: 0,
      storedSize,
    }
    builder.add(
      records || sparse ? { ...found, ...(records && { records }), ...(sparse && { sparse }) } : found,
    )
  }
  return builder.finish(0)
}
