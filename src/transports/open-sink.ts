import type { ImageSink } from '../image/interfaces.js'
import { LadingError } from '../spec/errors.js'
import type { Platform } from '../spec/platform.js'
import { parseReference, withDefaultTag } from '../spec/reference.js'
import { openOutput } from './archive/output.js'
import type { LayerCompression } from './archive/recompress.js'
import { dockerArchiveSink } from './docker-archive/sink.js'
import { hybridArchiveSink } from './hybrid-archive/sink.js'
import { ociArchiveSink } from './oci-archive/sink.js'
import { ociLayoutSink } from './oci-layout/sink.js'
import type { ImagePlace } from './place.js'

export type { LayerCompression }

/** `both`: an OCI layout that is a docker archive too. `docker`: the layout of `docker save` up to 24. */
export type ArchiveFormat = 'both' | 'docker' | 'oci'

export interface SinkOptions {
  /** Re-encode the layers; absent: they stay as they are stored. */
  readonly compress?: LayerCompression
  /** Which image of an index a docker archive shows; the host's, if absent. */
  readonly platform?: Platform
}

/**
 * An archive to be written at `output`, a path or `-` for standard output. A file appears under its name when
 * commit() has succeeded and not before. Throws USAGE for a folder and for a compression that the format
 * cannot hold, NOT_FOUND when there is no folder to write into.
 */
export const openArchiveSink = async (
  output: string,
  { format, ...options }: SinkOptions & { readonly format: ArchiveFormat },
): Promise<ImageSink> => {
  if (format === 'docker' && options.compress !== undefined && options.compress.algorithm !== 'none')
    throw new LadingError(
      'USAGE',
      `Cannot write layers compressed with ${options.compress.algorithm} into a docker archive of this age: its layers ` +
        'are uncompressed; leave out the compression, or choose the format that is both, or oci',
      { data: { compress: options.compress } },
    )
  const sink = { both: hybridArchiveSink, docker: dockerArchiveSink, oci: ociArchiveSink }[format]
  return sink(await openOutput(output), options)
}

/**
 * A place to be written: an archive of its kind (a bare path: the file that is both), or a layout folder. A
 * query (`oci:DIR:app:1`) is the name that the image gets in place of its own. Throws UNSUPPORTED for the
 * store: it is written through a session of its own.
 */
export const openSink = async (place: ImagePlace, options: SinkOptions = {}): Promise<ImageSink> => {
  if (place.kind === 'container')
    throw new LadingError('UNSUPPORTED', 'Cannot write into a container: cp copies files there')
  if (place.kind === 'store')
    throw new LadingError('UNSUPPORTED', 'Cannot write into the store as into a file: load puts images there')
  const sink =
    place.kind === 'oci'
      ? await ociLayoutSink(place.path, options)
      : await openArchiveSink(place.path, { format: formats[place.kind], ...options })
  if (place.query === undefined) return sink
  const names = [withDefaultTag(parseReference(place.query))]
  return { ...sink, write: tree => sink.write({ ...tree, root: { ...tree.root, names } }) }
}

const formats = { 'docker-archive': 'docker', 'oci-archive': 'oci', unknown: 'both' } as const
