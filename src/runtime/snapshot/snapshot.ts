import { digestOf } from '../../bytes/hasher.js'
import { type Progress, silent } from '../../bytes/progress.js'
import { openSpoolFile, type SpoolFile } from '../../bytes/spool-file.js'
import type { Root, Tree } from '../../image/interfaces.js'
import type { Loss } from '../../image/loss.js'
import { platformOf } from '../../image/narrow.js'
import { bytesOf } from '../../image/tree-size.js'
import { observed } from '../../image/wrapped-source.js'
import type { MeasuredLayer } from '../../layer/measure.js'
import { canonicalJson } from '../../spec/canonical-json.js'
import type { Descriptor } from '../../spec/descriptor.js'
import type { Digest } from '../../spec/digest.js'
import { during } from '../../spec/errors.js'
import { indexJson } from '../../spec/image-index.js'
import { mediaTypes } from '../../spec/media-types.js'
import { BlobTable } from '../../transports/archive/blob-table.js'
import { openArchiveSink } from '../../transports/open-sink.js'
import { createdNow } from '../../verbs/created-now.js'
import { joinImage, joinTree } from '../../verbs/joined-image.js'
import { imageOf } from '../container/container-rootfs.js'
import { statusOf } from '../container/control.js'
import type { OpenedImage } from '../container/image.js'
import { withFrozen } from '../container/pause.js'
import type { Container } from '../container/record.js'
import { volumeFolder, volumesOf } from '../container/volumes.js'
import { commitConfig } from './commit-config.js'
import { artifactType, documentBytes, documentType, type SnapshotDocument } from './document.js'
import { lossesOfSnapshot } from './losses.js'
import { countUnlinkedFiles } from './unlinked-files.js'
import { writeVolume } from './volume-files.js'
import { writeChanges } from './write-changes.js'

export interface SnapshotOptions {
  /** A path, or `-` for standard output. */
  readonly output: string
  /** The image that it was made of only by its digest: whoever restores it has it in the store. */
  readonly thin?: boolean
  /** With the files of its volumes; true, if absent. */
  readonly volumes?: boolean
  readonly progress?: Progress
}

export interface TakenSnapshot {
  /** Of the image with the container's files; absent of a thin one. */
  readonly id?: Digest
  /** Of the container's description. */
  readonly digest: Digest
  readonly volumes: readonly string[]
  readonly losses: readonly Loss[]
}

/**
 * A container as one archive: its files as an image, and an artifact with its settings and its volumes (README.md).
 * It stands still while its files are read. The archive appears whole, or not at all.
 */
export const snapshotContainer = async (
  container: Container,
  options: SnapshotOptions,
): Promise<TakenSnapshot> => {
  try {
    return await take(container, options)
  } catch (error) {
    throw during(`Cannot take a snapshot of ${container.settings.name}`, error)
  }
}

const take = async (container: Container, options: SnapshotOptions): Promise<TakenSnapshot> => {
  const { output, thin = false, volumes: withVolumes = true, progress = silent } = options
  const { settings } = container
  await using image = await imageOf(container)
  await using spool = await openSpoolFile()
  const table = new BlobTable(`the snapshot of ${settings.name}`)
  const status = await statusOf(container)
  const reading = progress.begin('Reading')
  const { unlinked, ...files } = await withFrozen(container, async () => ({
    ...(await readFiles(container, image, spool, table, withVolumes)),
    unlinked: await countUnlinkedFiles(container),
  }))
  reading.end()
  const { changes, volumes } = files
  const base = image.image.manifest.descriptor
  const document: SnapshotDocument = {
    ...{ settings, taken: createdNow(), status, base: plain(base), volumes },
    ...(changes && { changes }),
  }
  let task: ReturnType<Progress['begin']> | undefined
  const source = observed(image.source, bytes => task?.advance(bytes))
  const whole = thin ? undefined : await joinImage(source, table, imageWith(container, image, document))
  const artifact = addArtifact(table, image, document, whole)
  const root = whole ? indexOf(table, whole, artifact) : artifact
  const tree = await joinTree(source, table, {
    descriptor: root,
    names: [],
    origin: 'document',
  } satisfies Root)
  await using sink = await openArchiveSink(output, { format: thin ? 'oci' : 'both' })
  await sink.write(tree)
  task = progress.begin('Writing', bytesOf([tree]))
  const { losses } = await sink.commit()
  task.end()
  return {
    ...(whole && { id: whole.images[0]!.configDocument.descriptor.digest }),
    ...{ digest: artifact.digest, volumes: volumes.map(({ volume }) => volume) },
    losses: [
      ...lossesOfSnapshot(container, status, { thin, withVolumes, unlinked }),
      ...files.losses,
      ...losses,
    ],
  }
}

interface ReadFiles extends Pick<SnapshotDocument, 'changes' | 'volumes'> {
  readonly losses: readonly Loss[]
}

const readFiles = async (
  container: Container,
  image: OpenedImage,
  spool: SpoolFile,
  table: BlobTable,
  withVolumes: boolean,
): Promise<ReadFiles> => {
  const layerOf = async (write: (fd: number) => Promise<MeasuredLayer>): Promise<Descriptor | undefined> => {
    let measured: MeasuredLayer | undefined
    const file = await spool.fill(async fd => {
      measured = await write(fd)
      return measured.size
    })
    const { digest, size } = measured!
    if (size === 0) return undefined
    table.add(digest, file, measured)
    return { mediaType: mediaTypes.ociLayer, digest, size }
  }
  const losses: Loss[] = []
  const changes = await layerOf(async fd => {
    const written = await writeChanges(container, image, fd)
    losses.push(...written.losses)
    return written.measured
  })
  const volumes: { volume: string; layer: Descriptor }[] = []
  for (const volume of withVolumes ? new Set(volumesOf(container.settings)) : []) {
    const what = `the volume ${volume}`
    const layer = await layerOf(async fd => {
      const { measured, sockets } = await writeVolume(volumeFolder(container.all, volume), fd, what)
      if (sockets > 0)
        losses.push({ what: 'socket', where: what, count: sockets, why: 'a socket is of a running process' })
      return measured
    })
    volumes.push({ volume, layer: layer! })
  }
  return { ...(changes && { changes }), volumes, losses }
}

/** The image with one more layer, as commit makes it. */
const imageWith = (
  { settings }: Container,
  { image }: OpenedImage,
  { changes, taken: created }: SnapshotDocument,
) => ({
  config: commitConfig(image.config, settings, { created, message: 'lading snapshot' }, changes?.digest),
  layers: [...image.layers.map(({ descriptor }) => descriptor), ...(changes ? [changes] : [])],
  names: [],
})

const addDocument = (table: BlobTable, mediaType: string, bytes: Buffer): Descriptor => {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
  table.addDocument({ bytes, descriptor })
  return descriptor
}

/** The container's description, with the base image's documents and all layers that are no part of the image. */
const addArtifact = (
  table: BlobTable,
  { image }: OpenedImage,
  document: SnapshotDocument,
  whole: Tree | undefined,
): Descriptor => {
  const { manifest, configDocument } = image
  table.addDocument(manifest)
  table.addDocument(configDocument)
  const config = addDocument(table, documentType, documentBytes(document))
  const layers = [
    plain(manifest.descriptor),
    { ...plain(configDocument.descriptor), mediaType: mediaTypes.ociConfig },
    ...(document.changes && !whole ? [document.changes] : []),
    ...document.volumes.map(({ volume, layer }) => ({ ...layer, annotations: { [volumeNote]: volume } })),
  ]
  const bytes = canonicalJson({
    ...{ schemaVersion: 2, mediaType: mediaTypes.ociManifest, artifactType, config, layers },
    ...(whole && { subject: whole.root.descriptor }),
  })
  return { ...addDocument(table, mediaTypes.ociManifest, bytes), artifactType }
}

const volumeNote = 'org.lading.volume'

/** Other tools find the image by its platform, and pass over what has none, as they do with attestations. */
const indexOf = (table: BlobTable, { root, images }: Tree, artifact: Descriptor): Descriptor =>
  addDocument(
    table,
    mediaTypes.ociIndex,
    indexJson([
      { ...root.descriptor, platform: platformOf(images[0]!) },
      { ...artifact, platform: { os: 'unknown', architecture: 'unknown' } },
    ]),
  )

const plain = ({ mediaType, digest, size }: Descriptor): Descriptor => ({ mediaType, digest, size })
