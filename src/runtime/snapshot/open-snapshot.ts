import { collect } from '../../bytes/collect.js'
import { openSpoolFile, type SpoolFile } from '../../bytes/spool-file.js'
import type { Artifact, Tree } from '../../image/interfaces.js'
import { openLayerBytes } from '../../image/layer-bytes.js'
import { layerView } from '../../image/layer-view.js'
import { loadTree } from '../../image/view.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { indexLayer } from '../../layer/index-layer.js'
import type { Descriptor } from '../../spec/descriptor.js'
import { LadingError } from '../../spec/errors.js'
import { limits } from '../../spec/limits.js'
import { parseManifest } from '../../spec/manifest.js'
import { openSource } from '../../transports/open.js'
import { parsePlace } from '../../transports/place.js'
import { artifactType, documentType, readDocument, type SnapshotDocument } from './document.js'
import type { ChangesLayer } from './fill-upper.js'

export interface OpenedSnapshot extends AsyncDisposable {
  readonly source: AnySource
  readonly document: SnapshotDocument
  /** The image that the container was made of: its documents are here, its layers may not be. */
  readonly base: Tree
  /** The bytes of one of its layers, verified, until it is closed. */
  layer(descriptor: Descriptor): Promise<ChangesLayer>
}

/** Open what snapshotContainer wrote. Throws NOT_FOUND, UNSUPPORTED for an archive of something else, BAD_DOCUMENT. */
export const openSnapshot = async (file: string): Promise<OpenedSnapshot> => {
  const source = await openSource(parsePlace(file))
  let spool: SpoolFile | undefined
  const close = async () => {
    await spool?.[Symbol.asyncDispose]()
    await source[Symbol.asyncDispose]()
  }
  try {
    const document = await findDocument(source, file)
    const base = await loadTree(source, { descriptor: document.base, names: [], origin: 'document' })
    if (base.images.length !== 1)
      throw new LadingError('BAD_DOCUMENT', 'The image that the container was made of is none')
    return {
      ...{ source, document, base, [Symbol.asyncDispose]: close },
      layer: async descriptor => {
        spool ??= await openSpoolFile()
        const { digest: diffId } = descriptor
        const layer = layerView(source, { index: 0, count: 1, descriptor, diffId })
        const bytes = await openLayerBytes(source, layer, spool)
        return { bytes, toc: await indexLayer(bytes) }
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

const findDocument = async (source: AnySource, file: string): Promise<SnapshotDocument> => {
  for (const root of await source.roots()) {
    const tree = await loadTree(source, root)
    for (const artifact of tree.artifacts) {
      const config = configOf(artifact)
      if (config === undefined) continue
      return readDocument(
        await collect(source.openBlob(config), {
          max: limits.config,
          what: 'the description of the container',
        }),
      )
    }
  }
  throw new LadingError(
    'UNSUPPORTED',
    `${file} is no snapshot of a container: what lading snapshot writes can be restored; an image is run with lading run`,
  )
}

const configOf = ({ manifest }: Artifact): Descriptor | undefined => {
  if (manifest === undefined) return undefined
  const { config, artifactType: type } = parseManifest(manifest)
  return type === artifactType && config.mediaType === documentType ? config : undefined
}
