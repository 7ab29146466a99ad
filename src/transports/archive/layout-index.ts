import type { Tree } from '../../image/interfaces.js'
import { descriptorsOf } from '../../image/layout-index.js'
import { indexJson } from '../../spec/image-index.js'
import { layoutText } from '../../spec/layout.js'
import { type ArchiveEntry, documentEntry } from './writer.js'

/** `index.json`, with a descriptor for each name as docker writes it, and `oci-layout`. */
export const layoutEntries = (trees: readonly Tree[]): readonly ArchiveEntry[] => [
  documentEntry('index.json', indexJson(trees.flatMap(({ root }) => descriptorsOf(root, 'tag')))),
  documentEntry('oci-layout', Buffer.from(layoutText)),
]
