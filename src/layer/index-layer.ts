import type { ByteSource } from '../bytes/byte-stream.js'
import { scanSource } from '../tar/scan-source.js'
import type { Toc } from './toc.js'
import { TocBuilder } from './toc-builder.js'

/** The Toc of an uncompressed layer by its headers alone: nothing else of it is read, and nothing verified. */
export const indexLayer = async (source: ByteSource): Promise<Toc> => {
  const builder = new TocBuilder()
  await scanSource(source, builder.events)
  return builder.finish(source.size)
}
