import { drain } from '../bytes/collect.js'
import { type ProgressTask, silent } from '../bytes/progress.js'
import { sideBySide } from '../bytes/side-by-side.js'
import { expectWork } from '../bytes/threads.js'
import type { Artifact, Image, Layer, Root, Tree } from '../image/interfaces.js'
import { checkDiffId, layerName } from '../image/layer-view.js'
import { platformOf } from '../image/narrow.js'
import { bytesOf } from '../image/tree-size.js'
import { loadTree } from '../image/view.js'
import { type AnySource, observed } from '../image/wrapped-source.js'
import { type MeasuredLayer, measureLayer } from '../layer/measure.js'
import { measureRegion } from '../layer/measure-region.js'
import { mergeTocs } from '../layer/merged-tree.js'
import type { Toc } from '../layer/toc.js'
import { type Digest, shortDigest } from '../spec/digest.js'
import { type ErrorCode, LadingError } from '../spec/errors.js'
import { isForeignLayer, layerEncoding } from '../spec/media-types.js'
import { formatPlatform } from '../spec/platform.js'
import { familiarName } from '../spec/reference.js'
import { measuringStage } from '../transports/archive/stages.js'
import { type LookOptions, withSource } from './open-image.js'

/** Something that is wrong. */
export interface Finding {
  /** The image, and the part of it. */
  readonly where: string
  /** `DIGEST_MISMATCH`, `BLOB_MISSING` …, or `DISAGREEMENT` where two records of the place differ. */
  readonly code: ErrorCode | 'DISAGREEMENT'
  readonly problem: string
}

export interface Verification {
  readonly findings: readonly Finding[]
  /** Odd and allowed: more history than layers, an index with children that were not brought. */
  readonly notes: readonly string[]
  readonly images: number
  readonly layers: number
  /** Bytes of layers that were checked. */
  readonly bytes: number
}

/**
 * Check everything that a place promises: every size and digest, each DiffID against the uncompressed bytes,
 * layer counts, names, the agreement of its documents, and that the layers are tars that make one tree. Goes
 * on after a finding. A place that cannot be opened at all is an error.
 */
export const verify = (options: LookOptions): Promise<Verification> =>
  withSource(
    options,
    async opened => {
      let task: ProgressTask | undefined
      const source = observed(opened, bytes => task?.advance(bytes))
      const check = new Check(source)
      const trees: Tree[] = []
      for (const root of await source.roots()) {
        const tree = await check.document(root)
        if (tree) trees.push(tree)
      }
      expectWork(bytesOf(trees))
      task = (options.progress ?? silent).begin('Verifying', bytesOf(trees))
      for (const tree of trees) await check.tree(tree)
      for (const { what, message } of source.warnings)
        if (what === 'disagreement' || what === 'name')
          check.findings.push({ where: options.place, code: 'DISAGREEMENT', problem: message })
        else check.notes.push(message)
      task.end()
      return {
        findings: check.findings,
        notes: check.notes,
        images: check.images,
        layers: check.checked.size,
        bytes: check.bytes,
      }
    },
    measuringStage,
  )

class Check {
  readonly findings: Finding[] = []
  readonly notes: string[] = []
  readonly checked = new Map<string, Toc | undefined>()
  images = 0
  bytes = 0
  readonly #source: AnySource
  readonly #measured = new Map<Digest, Promise<MeasuredLayer>>()

  constructor(source: AnySource) {
    this.#source = source
  }

  /** The documents of a root, if they are as they should be. */
  document(root: Root): Promise<Tree | undefined> {
    return this.#attempt(nameOf(root), () => loadTree(this.#source, root))
  }

  async tree(tree: Tree): Promise<void> {
    const where = nameOf(tree.root)
    for (const { digest } of tree.absent) this.notes.push(`${where}: ${digest} is listed and not here`)
    for (const image of tree.images) await this.#image(tree, image, where)
    for (const artifact of tree.artifacts) await this.#artifact(artifact, where)
  }

  async #image(tree: Tree, image: Image, name: string): Promise<void> {
    this.images++
    const platform = formatPlatform(platformOf(image))
    const where = tree.images.length > 1 ? `${name} for ${platform}` : name
    const listed = image.descriptor.platform
    if (listed && tree.indexes.length > 0 && listed.architecture !== image.config.architecture)
      this.findings.push({
        where,
        code: 'DISAGREEMENT',
        problem: `The index says ${formatPlatform(listed)}, the config ${platform}`,
      })
    const { missing, surplus } = image.history
    if (surplus > 0) this.notes.push(`${where}: ${surplus} history entries claim layers that are not there`)
    if (missing > 0 && image.config.history.length > 0)
      this.notes.push(`${where}: ${missing} layers have no history entry`)
    await this.#measureSideBySide(image.layers)
    const tocs: Toc[] = []
    for (const layer of image.layers) {
      const toc = await this.#layer(layer, where)
      if (toc) tocs.push(toc)
    }
    if (tocs.length < image.layers.length) return
    const merged = await this.#attempt(where, async () => mergeTocs(tocs))
    for (const oddity of merged?.oddities ?? []) this.notes.push(`${where}: ${oddity}`)
  }

  /** The layer's Toc, if it is as it should be; a layer that several images share is read once. */
  async #layer(layer: Layer, where: string): Promise<Toc | undefined> {
    const key = `${layer.descriptor.digest} ${layer.diffId}`
    if (this.checked.has(key)) return this.checked.get(key)
    const toc = await this.#attempt(`${where}, ${layerName(layer)}`, () => this.#readLayer(layer, where))
    this.checked.set(key, toc)
    return toc
  }

  async #readLayer(layer: Layer, where: string): Promise<Toc | undefined> {
    const { descriptor } = layer
    if (isForeignLayer(descriptor.mediaType) && !(await this.#source.hasBlob(descriptor.digest))) {
      this.notes.push(`${where}: ${layerName(layer)} is a foreign layer that is not here`)
      return undefined
    }
    const measured = await (this.#measured.get(descriptor.digest) ?? this.#measure(layer))
    if (measured.digest !== descriptor.digest)
      throw wrong('DIGEST_MISMATCH', 'digest', measured.digest, descriptor.digest)
    if (measured.size !== descriptor.size)
      throw wrong('SIZE_MISMATCH', 'size', measured.size, descriptor.size)
    checkDiffId(layer, measured.diffId)
    this.bytes += measured.size
    const claimed = layerEncoding(descriptor.mediaType)
    if (claimed !== undefined && claimed !== measured.compression)
      this.notes.push(
        `${where}: ${layerName(layer)} is ${measured.compression}, its media type says ${claimed}`,
      )
    if (measured.notTar !== undefined) throw new LadingError('BAD_TAR', measured.notTar)
    return measured.toc
  }

  /** Layers that lie in files are read by threads; what is wrong with one is told when its turn comes. */
  async #measureSideBySide(layers: readonly Layer[]): Promise<void> {
    const unread = layers.filter(({ descriptor }) => !this.#measured.has(descriptor.digest))
    const distinct = [...new Map(unread.map(layer => [layer.descriptor.digest, layer])).values()]
    await sideBySide(distinct, async layer => {
      const measuring = this.#measure(layer)
      this.#measured.set(layer.descriptor.digest, measuring)
      await measuring.catch(() => {})
    })
  }

  async #measure(layer: Layer): Promise<MeasuredLayer> {
    const { digest } = layer.descriptor
    const known = await this.#source.measurementOf?.(digest)
    if (known) return known
    const region = await this.#source.regionOf?.(digest)
    if (region === undefined) return measureLayer(layer.stored(), layerName(layer))
    const { passed, ...file } = region
    return measureRegion({ file, what: layerName(layer) }, passed && { onBytes: passed })
  }

  async #artifact({ descriptor, blobs }: Artifact, where: string): Promise<void> {
    for (const blob of blobs) {
      if (!(await this.#source.hasBlob(blob.digest)))
        this.notes.push(`${where}: ${blob.digest} of artifact ${shortDigest(descriptor.digest)}… is not here`)
      else
        await this.#attempt(`${where}, artifact ${shortDigest(descriptor.digest)}…`, () =>
          drain(this.#source.openBlob(blob)),
        )
    }
  }

  async #attempt<Result>(where: string, work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LadingError)) throw error
      this.findings.push({ where, code: error.code, problem: error.message })
      return undefined
    }
  }
}

const nameOf = ({ names, descriptor }: Root): string =>
  names.map(familiarName).join(', ') || `${shortDigest(descriptor.digest)}…`

const wrong = (code: ErrorCode, what: string, found: Digest | number, wanted: Digest | number): LadingError =>
  new LadingError(code, `Wrong ${what}: found ${found}, wanted ${wanted}`, { data: { found, wanted } })
