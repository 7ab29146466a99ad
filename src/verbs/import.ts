import type { ByteStream } from '../bytes/byte-stream.js'
import { counted } from '../bytes/counted.js'
import { decompress } from '../bytes/decompress.js'
import { openFile } from '../bytes/file-source.js'
import { digestOf } from '../bytes/hasher.js'
import { peek } from '../bytes/peek.js'
import { type Progress, silent } from '../bytes/progress.js'
import { sniffCompression, sniffLength } from '../bytes/sniff.js'
import { inflateHead } from '../bytes/sync-inflate.js'
import type { CommitResult, ImageSource, Root } from '../image/interfaces.js'
import type { Loss, Warning } from '../image/loss.js'
import type { StagedBlob } from '../image/stage.js'
import { loadTree } from '../image/view.js'
import { type Carried, decodeCarried } from '../layer/carried.js'
import type { MeasuredLayer } from '../layer/measure.js'
import { whiteoutOf } from '../layer/whiteout.js'
import { canonicalJson } from '../spec/canonical-json.js'
import { applyChanges } from '../spec/changes.js'
import { type ImageConfig, parseConfig } from '../spec/config.js'
import { deriveManifest } from '../spec/derived-manifest.js'
import type { Digest } from '../spec/digest.js'
import { during, LadingError } from '../spec/errors.js'
import type { JsonObject } from '../spec/json.js'
import { mediaTypes, withEncoding } from '../spec/media-types.js'
import { hostPlatform, type Platform } from '../spec/platform.js'
import { parseReference, type Reference, withDefaultTag } from '../spec/reference.js'
import type { Store } from '../store/store.js'
import { normalizePath } from '../tar/names.js'
import { BlobTable } from '../transports/archive/blob-table.js'
import { withImage } from './open-image.js'

export interface ImportOptions {
  /** A path, or `-` for standard input. */
  readonly input: string
  readonly store: Store
  readonly name?: string
  /** Dockerfile instructions, and their removals (spec/changes.ts). */
  readonly changes?: readonly string[]
  readonly message?: string
  readonly platform?: Platform
  /** A place whose image's config is taken in place of what the snapshot carries. */
  readonly configFrom?: string
  /** Leave out what the snapshot carries. */
  readonly bare?: boolean
  /** When the image says it was made; SOURCE_DATE_EPOCH or now, if absent. RFC 3339. */
  readonly created?: string
  readonly progress?: Progress
  readonly stdin?: ByteStream
}

export interface ImportResult {
  readonly id: Digest
  readonly digest: Digest
  readonly name?: Reference
  /** Whether a config came along with the snapshot. */
  readonly restored: boolean
  readonly moved: CommitResult['moved']
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * A flat tar as an image of one layer, the tar kept as it came. The config is what the snapshot carries, or
 * another image's, or empty, with the changes applied; its history is one honest entry. All or nothing.
 */
export const importSnapshot = async (options: ImportOptions): Promise<ImportResult> => {
  try {
    // What can be wrong with the command is told before any data is read.
    const name = options.name === undefined ? undefined : readName(options.name)
    applyChanges({}, options.changes ?? [])
    return await importAll(options, name)
  } catch (error) {
    throw during(`Cannot import ${options.input === '-' ? 'standard input' : options.input}`, error)
  }
}

const readName = (text: string): Reference => {
  const name = parseReference(text)
  if (name.digest !== undefined)
    throw new LadingError('USAGE', `${JSON.stringify(text)} has a digest: what is imported has its own`)
  return withDefaultTag(name)
}

const importAll = async (options: ImportOptions, name: Reference | undefined): Promise<ImportResult> => {
  const { input, store, changes = [], progress = silent } = options
  await using session = await store.session()
  const staged = await stageInput(input, options, progress, stream => session.stage(stream, 'the snapshot'))
  const { measured } = staged
  if (measured.notTar !== undefined) throw new LadingError('NOT_AN_IMAGE', `It is no tar: ${measured.notTar}`)
  refuseImageArchive(measured)
  const carried = options.bare ? undefined : decodeCarried(measured.globals)
  const base = await baseConfig(options, carried)
  const created = options.created ?? createdNow()
  const config = canonicalJson({
    ...platformFields(options.platform, base),
    ...(base?.author !== undefined && { author: base.author }),
    created,
    config: applyChanges(base?.config ?? {}, changes),
    rootfs: { type: 'layers', diff_ids: [measured.diffId] },
    history: [{ created, created_by: 'lading import', comment: options.message ?? `Imported from ${input}` }],
  })
  const { source, root } = oneLayerImage(config, staged, name)
  await session.write(await loadTree(source, root))
  const { moved, losses } = await session.commit()
  return {
    id: digestOf(config),
    digest: root.descriptor.digest,
    ...(name && { name }),
    restored: carried !== undefined && options.configFrom === undefined,
    moved,
    losses: [...losses, ...historyLoss(carried, input)],
    warnings: whiteoutWarning(measured, input),
  }
}

/**
 * Read the input into the stage. The blob stays as it came where a media type can say how it is compressed;
 * bzip2, xz and several compressions around one another are undone.
 */
const stageInput = async (
  input: string,
  { stdin = process.stdin as ByteStream }: ImportOptions,
  progress: Progress,
  stage: (stream: ByteStream) => Promise<StagedBlob>,
): Promise<StagedBlob> => {
  const file = input === '-' ? undefined : await openFile(input)
  const task = progress.begin('Importing', file?.size)
  try {
    const bytes = counted(file ? file.stream() : stdin, count => task.advance(count))
    const { head, stream } = await peek(bytes, headLength)
    return await stage(isLayerEncoding(head) ? stream : (await decompress(stream, { what: input })).stream)
  } finally {
    task.end()
    await file?.handle.close()
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

const baseConfig = async (
  { configFrom, store }: ImportOptions,
  carried: Carried | undefined,
): Promise<ImageConfig | undefined> => {
  if (configFrom !== undefined)
    return withImage(
      { place: configFrom, storeDirectory: store.directory },
      async ({ image }) => image.config,
    )
  return carried && parseConfig(carried.config, 'the config that the snapshot carries')
}

const platformFields = (platform: Platform | undefined, base: ImageConfig | undefined): JsonObject => {
  const { os, architecture, variant } = platform ?? (base && base.os !== '' ? base : hostPlatform())
  return { os, architecture, ...(variant !== undefined && { variant }) }
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org) in place of the clock. */
const createdNow = (): string => {
  const epoch = process.env.SOURCE_DATE_EPOCH
  if (epoch === undefined) return new Date().toISOString()
  if (/^\d{1,11}$/.test(epoch)) return new Date(Number(epoch) * 1000).toISOString()
  throw new LadingError('USAGE', `Bad SOURCE_DATE_EPOCH ${JSON.stringify(epoch)}: wanted seconds since 1970`)
}

/** An image of documents of ours and a layer that is staged, as a source that has nothing else. */
const oneLayerImage = (
  config: Buffer,
  { measured, content }: StagedBlob,
  name: Reference | undefined,
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
  const root: Root = { descriptor: manifest.descriptor, names: name ? [name] : [], origin: 'derived' }
  const source: ImageSource = {
    ...{ place, format: 'oci-layout', warnings: [] },
    roots: async () => [root],
    openBlob: (blob, options) => table.openBlob(blob, options),
    hasBlob: digest => table.hasBlob(digest),
    [Symbol.asyncDispose]: async () => {},
  }
  return { source, root }
}

const historyLoss = (carried: Carried | undefined, input: string): readonly Loss[] => {
  const count = carried
    ? parseConfig(carried.config, 'the config that the snapshot carries').history.length
    : 0
  return count > 0
    ? [{ what: 'history', where: input, why: 'its entries speak of layers that are one now', count }]
    : []
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
