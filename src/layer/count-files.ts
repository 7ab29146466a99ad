import type { ByteSource } from '../bytes/byte-stream.js'
import { scanSource } from '../tar/scan-source.js'
import { entryTypes, type Toc } from './toc.js'

const folder = entryTypes.indexOf('directory')

/** Entries that are not folders, by the headers of an uncompressed layer alone: no table is made. Throws what is wrong with the tar. */
export const countFiles = async (source: ByteSource): Promise<number> => {
  let count = 0
  await scanSource(source, {
    entry: ({ type }) => {
      if (type !== 'directory') count++
    },
    // The digit in the header is the position in entryTypes.
    plain: ({ flag }) => {
      if (flag !== folder) count++
    },
  })
  return count
}

/** The same of a layer whose table there is. */
export const countFilesIn = ({ columns }: Toc): number =>
  columns.type.reduce((count, type) => (type === folder ? count : count + 1), 0)
