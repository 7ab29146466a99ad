import type { AnySource } from '../../image/wrapped-source.js'
import { algorithmOf, hexOf } from '../../spec/digest.js'
import type { Archive } from '../archive/archive.js'
import { archiveSource } from '../archive/archive-source.js'
import { BlobTable } from '../archive/blob-table.js'
import { readLayout } from '../layout/read-layout.js'

export const isOciArchive = (archive: Archive): boolean =>
  archive.has('oci-layout') || archive.has('index.json')

/** The blobs of an OCI layout inside an archive. */
export const layoutTable = (archive: Archive): BlobTable =>
  new BlobTable(archive.place, digest => archive.file(`blobs/${algorithmOf(digest)}/${hexOf(digest)}`))

/** An OCI layout in a tar. Owns `archive` from now on. */
export const openOciArchive = (archive: Archive): AnySource =>
  archiveSource(archive, layoutTable(archive), 'oci-archive', () => readLayout(archive))
