import type { OpenFile } from '../../bytes/file-source.js'
import { slice } from '../../bytes/slice.js'
import { LadingError } from '../../spec/errors.js'
import type { TarEntry } from '../../tar/entry.js'
import { scanSource } from '../../tar/scan-source.js'
import { Archive } from './archive.js'
import { ArchiveContents } from './contents.js'

/** An uncompressed archive in a file: read by its headers, contents are stretches of the file. Owns `file` from now on. */
export const readInPlace = async (file: OpenFile, place: string): Promise<Archive> => {
  const contents = new ArchiveContents()
  const documents = new Map<string, TarEntry>()
  await scanSource(file, {
    entry: entry => {
      if (entry.type !== 'file') return contents.addOther(entry)
      const twin = documents.get(ArchiveContents.nameOf(entry))
      if (twin !== undefined && twin.size !== entry.size)
        throw ambiguous(place, ArchiveContents.nameOf(entry))
      if (isTopDocument(ArchiveContents.nameOf(entry))) documents.set(ArchiveContents.nameOf(entry), entry)
      contents.addFile(entry, {
        content: slice(file, { offset: entry.dataOffset, length: entry.storedSize }),
      })
    },
  })
  return new Archive({
    place,
    compressions: [],
    files: contents.files,
    links: contents.links,
    tops: contents.tops,
    close: () => file.handle.close(),
  })
}

/** The documents that say what the archive is: two different ones of a name mean two readings. */
export const isTopDocument = (name: string): boolean =>
  ['manifest.json', 'index.json', 'repositories', 'oci-layout'].includes(name)

export const ambiguous = (place: string, name: string): LadingError =>
  new LadingError(
    'AMBIGUOUS',
    `Ambiguous archive ${place}: it has two different files ${name}, and tools differ in which they take`,
  )
