import type { AnySource } from '../../image/wrapped-source.js'
import { LadingError } from '../../spec/errors.js'
import type { Archive } from '../archive/archive.js'
import { archiveSource } from '../archive/archive-source.js'
import { BlobTable } from '../archive/blob-table.js'
import { readItems } from './read-items.js'
import { hasV1Images, readV1 } from './read-v1.js'

export const isDockerArchive = (archive: Archive): boolean =>
  archive.has('manifest.json') || hasV1Images(archive)

/** A docker archive of any age, as content-addressed images. Owns `archive` from now on. */
export const openDockerArchive = (archive: Archive): AnySource => {
  const table = new BlobTable(archive.place)
  return archiveSource(archive, table, 'docker-archive', async warnings => {
    if (archive.has('manifest.json')) return readItems(archive, table, warnings)
    if (hasV1Images(archive)) return readV1(archive, table, warnings)
    throw new LadingError(
      'NOT_AN_IMAGE',
      `${archive.place} is no docker archive: it has neither manifest.json nor images of before Docker 1.10`,
    )
  })
}
