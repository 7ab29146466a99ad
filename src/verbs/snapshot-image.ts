import { counted } from '../bytes/counted.js'
import { decompress } from '../bytes/decompress.js'
import { fileSource } from '../bytes/file-source.js'
import { digestOf } from '../bytes/hasher.js'
import { peek } from '../bytes/peek.js'
import type { Progress } from '../bytes/progress.js'
import { sniffCompression, sniffLength } from '../bytes/sniff.js'
import { inflateHead } from '../bytes/sync-inflate.js'
import { lossesOfImport } from '../image/capabilities.js'
import type { ImageSource, Root } from '../image/interfaces.js'
import type { Loss, Warning } from '../image/loss.js'
import type { BlobStage, StagedBlob } from '../image/stage.js'
import { type Carried, decodeCarried } from '../layer/carried.js'
import type { MeasuredLayer } from '../layer/measure.js'
import { whiteoutOf } from '../layer/whiteout.js'
import { canonicalJson } from '../spec/canonical-json.js'
import { applyChanges } from '../spec/changes.js'
import { type ImageConfig, parseConfig } from '../spec/config.js'
import { deriveManifest } from '../spec/derived-manifest.js'
import { LadingError } from '../spec/errors.js'
import type { JsonObject } from '../spec/json.js'
import { mediaTypes, withEncoding } from '../spec/media-types.js'
import { hostPlatform, type Platform } from '../spec/platform.js'
import { parseReference, type Reference } from '../spec/reference.js'
import { normalizePath } from '../tar/names.js'
import { BlobTable } from '../transports/archive/blob-table.js'
import { createdNow } from './created-now.js'
import type { SnapshotInput } from './snapshot-input.js'

export interface SnapshotImageOptions {
  /** Dockerfile instructions, and their removals (spec/changes.ts). */
  readonly changes?: readonly string[]
  readonly message?: string
  readonly platform?: Platform
  /** When the image says it was made; SOURCE_DATE_EPOCH or now, if absent. RFC 3339. */
  readonly created?: string
  /** Leave out what the snapshot carries. */
  readonly bare?: boolean
  /** Taken in place of what the snapshot carries. */
  readonly config?: ImageConfig
  /** Of the image; `carried`: those of the image that the snapshot is of. */
  readonly names: readonly Reference[] | 'carried'
  /** What made the image, for its one history entry: `lading import`. */
  readonly createdBy: string
}

export interface SnapshotImage {
  readonly source: ImageSource
  readonly root: Root
  /** The config's bytes. */
  readonly config: Buffer
  /** Whether a config came along with the snapshot and was taken. */
  readonly restored: boolean
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * An image of one layer, the flat tar as it came. The config is what the snapshot carries, or the one that is
 * given, or empty, with the changes applied; the history is one honest entry. The blob is in `stage`, which
 * has to be open as long as the image is read. Throws NOT_AN_IMAGE for what is no flat tar.
 */
export const imageOfSnapshot = async (
  input: SnapshotInput,
  stage: BlobStage,
  progress: Progress,
  options: SnapshotImageOptions,
): Promise<SnapshotImage> => {
  const staged = await stageInput(input, progress, stage)
  const { measured } = staged
  if (measured.notTar !== undefined) throw new LadingError('NOT_AN_IMAGE', `It is no tar: ${measured.notTar}`)
  refuseImageArchive(measured)
  const carried = options.bare ? undefined : readCarried(measured)
  const base = options.config ?? carried?.config
  const created = options.created ?? createdNow()
  const { message = `Imported from ${input.what === 'standard input' ? '-' : input.what}`, createdBy } =
    options
  const names =
    options.names === 'carried' ? (carried?.names ?? []).map(name => parseReference(name)) : options.names
  const config = canonicalJson({
    ...platformFields(options.platform, base),
    ...(base?.author !== undefined && { author: base.author }),
    created,
    config: applyChanges(base?.config ?? {}, options.changes ?? []),
    rootfs: { type: 'layers', diff_ids: [measured.diffId] },
    history: [{ created, created_by: createdBy, comment: message }],
  })
  return {
    ...oneLayerImage(config, staged, names),
    ...{ config, restored: carried !== undefined && options.config === undefined },
    losses: [
      ...input.losses,
      ...lossesOfImport([
        { aspect: 'history', where: input.what, count: carried?.config.history.length ?? 0 },
      ]),
    ],
    warnings: [...input.warnings, ...whiteoutWarning(measured, input.what)],
  }
}

const readCarried = ({
  globals,
}: MeasuredLayer): (Omit<Carried, 'config'> & { config: ImageConfig }) | undefined => {
  const carried = decodeCarried(globals)
  return (
    carried && { ...carried, config: parseConfig(carried.config, 'the config that the snapshot carries') }
  )
}

/**
 * Read the input into the stage. The blob stays as it came where a media type can say how it is compressed;
 * bzip2, xz and several compressions around one another are undone.
 */
const stageInput = async (
  { what, stream: given, size, file }: SnapshotInput,
  progress: Progress,
  stage: BlobStage,
): Promise<StagedBlob> => {
  const task = progress.begin('Importing', size)
  try {
    const name = 'the snapshot'
    if (file && stage.stageRegion) {
      const source = fileSource(file)
      const head = await source.read({ offset: 0, length: Math.min(headLength, file.length) })
      if (isLayerEncoding(head)) return await stage.stageRegion(file, name, count => task.advance(count))
    }
    const bytes = counted(given, count => task.advance(count))
    const { head, stream } = await peek(bytes, headLength)
    return await stage.stage(
      isLayerEncoding(head) ? stream : (await decompress(stream, { what })).stream,
      name,
    )
  } finally {
    task.end()
  }
}

const headLength = 16 * 1024

/** Whether a media type can say how this is encoded: not at all, or once, by gzip or zstd. */
const isLayerEncoding = (head: Buffer): boolean => {
  const outer = sniffCompression(head)
  if (outer === 'gzip') return sniffCompression(inflateHead(head, sniffLength)) === 'none'
  return outer === 'none' || outer === 'zstd'
}

/** The usual mistake: what docker save wrote, given to import, becomes a layer of blobs. */
const refuseImageArchive = ({ toc }: MeasuredLayer): void => {
  const names = new Set<string>()
  for (let index = 0; index < toc.length; index++)
    names.add(normalizePath(toc.path(index)).toString('latin1'))
  if (names.has('manifest.json') || (names.has('oci-layout') && names.has('index.json')))
    throw new LadingError(
      'NOT_AN_IMAGE',
      'It is an image archive, not a snapshot of a file tree: lading load takes it with everything, lading export makes a snapshot of it',
      { data: { kind: names.has('manifest.json') ? 'docker-archive' : 'oci-archive' } },
    )
}

const platformFields = (platform: Platform | undefined, base: ImageConfig | undefined): JsonObject => {
  const { os, architecture, variant } = platform ?? (base && base.os !== '' ? base : hostPlatform())
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

/** An image of documents of ours and a layer that is staged, as a source that has nothing else. */
const oneLayerImage = (
  config: Buffer,
  { measured, content }: StagedBlob,
  names: readonly Reference[],
): { source: ImageSource; root: Root } => {
  const place = 'the snapshot'
  const table = new BlobTable(place)
  const encoding =
    measured.compression === 'gzip' || measured.compression === 'zstd' ? measured.compression : 'none'
  const layer = {
    mediaType: withEncoding(mediaTypes.ociLayer, encoding),
    digest: measured.digest,
    size: measured.size,
  }
  const descriptor = { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: config.length }
  const manifest = deriveManifest(descriptor, [layer])
  table.addDocument({ bytes: config, descriptor })
  table.addDocument(manifest)
  if (content) table.add(measured.digest, content, measured)
  const root: Root = { descriptor: manifest.descriptor, names, origin: 'derived' }
  const source: ImageSource = {
    ...{ place, format: 'oci-layout', warnings: [] },
    roots: async () => [root],
    openBlob: (blob, options) => table.openBlob(blob, options),
    hasBlob: digest => table.hasBlob(digest),
    [Symbol.asyncDispose]: async () => {},
  }
  return { source, root }
}

/** Names that mean "deleted" to whoever unpacks the image; docker import leaves them as well. */
const whiteoutWarning = ({ toc }: MeasuredLayer, input: string): readonly Warning[] => {
  let count = 0
  for (let index = 0; index < toc.length; index++)
    if (whiteoutOf(normalizePath(toc.path(index)).toString('latin1'))) count++
  if (count === 0) return []
  return [
    {
      what: 'whiteout',
      message: `${input} has ${count} names that begin with .wh.: it looks like an image layer, and in an image they hide files`,
    },
  ]
}
