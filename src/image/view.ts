import { collect } from '../bytes/collect.js'
import { digestOf } from '../bytes/hasher.js'
import { parseConfig } from '../spec/config.js'
import type { Descriptor, RawDocument } from '../spec/descriptor.js'
import { LadingError } from '../spec/errors.js'
import { pairHistory } from '../spec/history.js'
import { parseIndex } from '../spec/image-index.js'
import { limits } from '../spec/limits.js'
import { type Manifest, parseManifest } from '../spec/manifest.js'
import { isConfigType, isIndexType, isLayerType, isManifestType } from '../spec/media-types.js'
import type { Artifact, BlobSource, Image, ImageSource, Root, Tree } from './interfaces.js'
import { layerView } from './layer-view.js'

/**
 * Everything that hangs on `root`, documents read and verified, layers not touched. An index may nest others
 * (BuildKit writes three deep) and may even, by a broken tool, come back to itself: each digest is visited
 * once, and the depth has a limit. Throws BLOB_MISSING when the root's own document is not there. With
 * `onProblem`, a document of the wrong size or digest is told of and read all the same, to be shown, never kept.
 */
export const loadTree = async (source: ImageSource, root: Root, onProblem?: OnProblem): Promise<Tree> => {
  const visited = new Set<string>()
  const indexes: RawDocument[] = []
  const images: Image[] = []
  const artifacts: Artifact[] = []
  const absent: Descriptor[] = []

  const visit = async (descriptor: Descriptor, depth: number): Promise<RawDocument | undefined> => {
    if (visited.has(descriptor.digest)) return undefined
    visited.add(descriptor.digest)
    if (depth > limits.indexDepth)
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Cannot follow ${root.descriptor.digest}: indexes nest more than ${limits.indexDepth} deep`,
        { data: { digest: root.descriptor.digest, limit: limits.indexDepth } },
      )
    if (depth > 0 && descriptor.data === undefined && !(await source.hasBlob(descriptor.digest))) {
      absent.push(descriptor)
      return undefined
    }
    if (isIndexType(descriptor.mediaType)) {
      const document = await readDocument(source, descriptor, 'index', onProblem)
      indexes.push(document)
      for (const child of parseIndex(document).manifests) await visit(child, depth + 1)
      return document
    }
    if (isManifestType(descriptor.mediaType)) {
      const document = await readDocument(source, descriptor, 'manifest', onProblem)
      const manifest = parseManifest(document)
      if (isImage(descriptor, manifest))
        images.push(await loadImage(source, document, root.origin === 'derived', onProblem))
      else artifacts.push({ descriptor, manifest: document, blobs: [manifest.config, ...manifest.layers] })
      return document
    }
    artifacts.push({ descriptor, blobs: [descriptor] })
    return undefined
  }

  const document =
    (await visit(root.descriptor, 0)) ??
    (await readDocument(source, root.descriptor, 'document of unknown type', onProblem))
  return { root, source, document, indexes, images, artifacts, absent }
}

/** Is told what is wrong with a document that is shown all the same. */
export type OnProblem = (problem: string) => void

/** The image that a manifest already read describes. Throws BAD_DOCUMENT when its config disagrees with it. */
export const loadImage = async (
  source: BlobSource,
  document: RawDocument,
  derived: boolean,
  onProblem?: OnProblem,
): Promise<Image> => {
  const manifest = parseManifest(document)
  const configDocument = await readDocument(source, manifest.config, 'config', onProblem)
  const config = parseConfig(configDocument.bytes, `config ${manifest.config.digest}`)
  const count = manifest.layers.length
  if (config.diffIds.length !== count) {
    const problem =
      `Layer counts disagree in image ${manifest.config.digest}: the manifest lists ${count}, ` +
      `rootfs.diff_ids of the config ${config.diffIds.length}`
    const data = { image: manifest.config.digest, manifest: count, config: config.diffIds.length }
    if (onProblem === undefined) throw new LadingError('BAD_DOCUMENT', problem, { data })
    onProblem(problem)
  }
  return {
    descriptor: document.descriptor,
    manifest: document,
    configDocument,
    config,
    layers: manifest.layers.map((descriptor, index) =>
      layerView(source, { index, count, descriptor, diffId: config.diffIds[index] ?? descriptor.digest }),
    ),
    history: pairHistory(config.history, count),
    derived,
  }
}

/**
 * Not everything with an image manifest is an image: an attestation, a cosign signature or a Helm chart has
 * the same shape. It is an image if its config says so and every layer is a file system layer.
 */
const isImage = (descriptor: Descriptor, manifest: Manifest): boolean =>
  isConfigType(manifest.config.mediaType) &&
  descriptor.annotations?.['vnd.docker.reference.type'] === undefined &&
  manifest.layers.every(layer => isLayerType(layer.mediaType))

const readDocument = async (
  source: BlobSource,
  descriptor: Descriptor,
  kind: string,
  onProblem?: OnProblem,
): Promise<RawDocument> => {
  const what = `${kind} ${descriptor.digest}`
  if (descriptor.data !== undefined && !(await source.hasBlob(descriptor.digest)))
    return { bytes: embedded(descriptor, descriptor.data, what), descriptor }
  const max = kind === 'config' ? limits.config : limits.manifest
  try {
    return { bytes: await collect(source.openBlob(descriptor), { max, what }), descriptor }
  } catch (error) {
    const mismatch = error instanceof LadingError && ['SIZE_MISMATCH', 'DIGEST_MISMATCH'].includes(error.code)
    if (!mismatch || onProblem === undefined) throw error
    onProblem(error.message)
    return {
      bytes: await collect(source.openBlob(descriptor, { unchecked: true }), { max, what }),
      descriptor,
    }
  }
}

/** OCI image-spec descriptor.md "Embedded Content": must be verified like any other content. */
const embedded = (descriptor: Descriptor, data: string, what: string): Buffer => {
  const bytes = Buffer.from(data, 'base64')
  const found = digestOf(bytes)
  if (found !== descriptor.digest)
    throw new LadingError('DIGEST_MISMATCH', `Cannot use the embedded ${what}: found ${found}`, {
      data: { found, wanted: descriptor.digest },
    })
  return bytes
}
