import type { ImageSink } from '../../image/interfaces.js'
import { blobEntries, planBlobs } from '../archive/blob-plan.js'
import { type BundleOptions, bundleSink } from '../archive/bundle.js'
import { layoutEntries } from '../archive/layout-index.js'
import type { Output } from '../archive/output.js'

/** An OCI image layout in one tar (OCI image-spec image-layout.md). Every document is kept byte for byte. */
export const ociArchiveSink = (output: Output, options: BundleOptions): ImageSink =>
  bundleSink(output, options, async trees => ({
    entries: [...blobEntries(await planBlobs(trees)), ...layoutEntries(trees)],
    losses: [],
  }))
