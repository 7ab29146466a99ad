import { memorySource } from '../bytes/memory-source.js'
import { sideBySide } from '../bytes/side-by-side.js'
import type { SpoolFile } from '../bytes/spool-file.js'
import { writeParts } from '../bytes/write-parts.js'
import type { Image, Root, Tree } from '../image/interfaces.js'
import { openLayerBytes } from '../image/layer-bytes.js'
import type { Loss } from '../image/loss.js'
import type { AnySource } from '../image/wrapped-source.js'
import { changesetEntries } from '../layer/changeset.js'
import { contentsIn } from '../layer/content.js'
import { flatTar } from '../layer/flat-tar.js'
import type { MeasuredLayer } from '../layer/measure.js'
import { measureRegion } from '../layer/measure-region.js'
import { mergeTocs } from '../layer/merged-tree.js'
import { canonicalJson } from '../spec/canonical-json.js'
import { applyChanges } from '../spec/changes.js'
import type { Descriptor } from '../spec/descriptor.js'
import { LadingError } from '../spec/errors.js'
import type { JsonObject, JsonValue } from '../spec/json.js'
import { mediaTypes } from '../spec/media-types.js'
import { BlobTable } from '../transports/archive/blob-table.js'
import { joinImage } from './joined-image.js'

/** What becomes of the history of layers that are made one. */
export type HistoryPolicy = 'keep' | 'collapse' | 'drop'

export interface Rewrite {
  /** Layers, from 1 for the base, that become one; both ends included. */
  readonly squash?: { readonly from: number; readonly to: number }
  readonly history: HistoryPolicy
  /** Dockerfile instructions for the config. */
  readonly changes: readonly string[]
}

/** The image with layers made one and its config changed, as a tree of its own; layers that stay are its own blobs still. */
export const rewriteImage = async (
  source: AnySource,
  root: Root,
  image: Image,
  { squash, history, changes }: Rewrite,
  spool: SpoolFile,
): Promise<{ tree: Tree; losses: readonly Loss[] }> => {
  const { fields, diffIds } = image.config
  const count = image.layers.length
  if (squash && !(squash.from >= 1 && squash.from <= squash.to && squash.to <= count))
    throw new LadingError(
      'USAGE',
      `Cannot make layers ${squash.from} to ${squash.to} one: the image has ${count}`,
    )
  const table = new BlobTable(`${source.place}, rewritten`)
  const made = squash && (await squashLayers(source, image, squash, spool, table))
  const [from, to] = squash ? [squash.from - 1, squash.to] : [0, 0]
  const middle: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>[] = made
    ? [{ mediaType: mediaTypes.ociLayer, digest: made.digest, size: made.size }]
    : []
  const layers = [
    ...image.layers.slice(0, from).map(layer => layer.descriptor),
    ...middle,
    ...image.layers.slice(to).map(layer => layer.descriptor),
  ]
  const config = canonicalJson({
    ...fields,
    config: applyChanges(image.config.config, changes),
    rootfs: {
      type: 'layers',
      diff_ids: [...diffIds.slice(0, from), ...(made ? [made.diffId] : []), ...diffIds.slice(to)],
    },
    history: squash ? squashHistory(image, squash, history) : (fields.history ?? []),
  })
  const tree = await joinImage(source, table, { config, layers, names: root.names })
  const where = image.manifest.descriptor.digest
  const merged = squash ? squash.to - squash.from + 1 : 0
  return {
    tree,
    losses: [
      { what: 'manifest-digest', where, why: 'the image was changed', count: 1 },
      ...(merged > 1
        ? [
            {
              what: 'layers',
              where,
              why: `layers ${squash!.from} to ${squash!.to} are one now`,
              count: merged,
            },
          ]
        : []),
      ...(merged > 1 && history !== 'keep' && image.config.history.length > 0
        ? [
            {
              what: 'history',
              where,
              why: 'the entries of layers that are one now',
              count: merged,
              remedy: 'Use --history keep',
            },
          ]
        : []),
    ],
  }
}

/** One layer that does what layers `from` to `to` did, in the spool and in `table`. */
const squashLayers = async (
  source: AnySource,
  image: Image,
  { from, to }: NonNullable<Rewrite['squash']>,
  spool: SpoolFile,
  table: BlobTable,
): Promise<MeasuredLayer> => {
  const tocs = await Promise.all(image.layers.map(layer => layer.toc()))
  const entries = changesetEntries(mergeTocs(tocs.slice(0, from - 1)), mergeTocs(tocs.slice(0, to)))
  const needed = new Set(entries.flatMap(({ content }) => (content ? [content.layer] : [])))
  const bytes = await sideBySide(image.layers, layer =>
    needed.has(layer.index) ? openLayerBytes(source, layer, spool) : Promise.resolve(memorySource(nothing)),
  )
  const made = await spool.fill(fd => writeParts(fd, flatTar(entries, contentsIn(bytes))))
  const measured = await measureRegion({ file: made.file!, what: 'the new layer' })
  table.add(measured.digest, made, measured)
  return measured
}

const nothing = new Uint8Array(0)

/** Entries are paired with layers by their order, so those of the squashed layers must claim one between them. */
const squashHistory = (
  image: Image,
  { from, to }: NonNullable<Rewrite['squash']>,
  policy: HistoryPolicy,
): readonly JsonValue[] => {
  const raw = (image.config.fields.history ?? []) as readonly JsonObject[]
  const inside = (layer: number | undefined): boolean =>
    layer !== undefined && layer >= from - 1 && layer < to
  const paired = image.history.entries.map(({ layer }, index) => ({ layer, entry: raw[index]! }))
  const last = paired.findLastIndex(({ layer }) => inside(layer))
  if (last < 0) return raw
  return paired.flatMap(({ layer, entry }, index): JsonValue[] => {
    if (!inside(layer)) return [entry]
    const { empty_layer: _, ...rest } = entry
    if (index === last) {
      const made = {
        created_by: `lading convert: layers ${from} to ${to}`,
        ...(entry.created !== undefined && { created: entry.created }),
      }
      return [policy === 'keep' ? rest : made]
    }
    return policy === 'keep' ? [{ ...rest, empty_layer: true }] : []
  })
}
