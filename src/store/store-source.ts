import { OpenFiles } from '../bytes/open-files.js'
import type { FileBacked, ImageSource, TocKeeper } from '../image/interfaces.js'
import { hasBlob, openBlob } from './blobs.js'
import { digestPath, type StorePlaces } from './places.js'
import { readRoots } from './store-index.js'

/** The store as a place to read from. */
export const openStoreSource = (places: StorePlaces): ImageSource & FileBacked & TocKeeper => {
  const files = new OpenFiles()
  return {
    place: `the store ${places.root}`,
    format: 'store',
    warnings: [],
    roots: () => readRoots(places),
    hasBlob: digest => hasBlob(places, digest),
    openBlob: (blob, options) => openBlob(places, blob, options),
    regionOf: async digest =>
      (await hasBlob(places, digest)) ? files.whole(digestPath(places.blobs, digest)) : undefined,
    // Not needed where a container starts again from what was made before.
    tocOf: async diffId => (await import('./layer-records.js')).keptToc(places, diffId),
    [Symbol.asyncDispose]: async () => files[Symbol.dispose](),
  }
}
