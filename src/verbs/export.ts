import { type CompressOptions, compress } from '../bytes/compress.js'
import { counted } from '../bytes/counted.js'
import { type ProgressTask, silent } from '../bytes/progress.js'
import { openSpoolFile } from '../bytes/spool-file.js'
import type { Image } from '../image/interfaces.js'
import { openLayerBytes } from '../image/layer-bytes.js'
import type { Loss, Warning } from '../image/loss.js'
import type { PickedImage } from '../image/pick-image.js'
import type { AnySource } from '../image/wrapped-source.js'
import { encodeCarried } from '../layer/carried.js'
import { type FlatLosses, flatEntries, flatTar } from '../layer/flat-tar.js'
import { mergeTocs } from '../layer/merged-tree.js'
import type { Digest } from '../spec/digest.js'
import { fullName } from '../spec/reference.js'
import { openOutput } from '../transports/archive/output.js'
import { globMatcher } from './glob.js'
import { type LookOptions, withImage } from './open-image.js'

export interface ExportOptions extends LookOptions {
  /** A path, or `-` for standard output. */
  readonly output: string
  /** What docker export gives: no metadata, whole seconds, of extended attributes the capabilities only. */
  readonly bare?: boolean
  /** Globs; a path that one of `include` matches (all, if empty) and none of `exclude` goes in, with its folders. */
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly compress?: CompressOptions
}

export interface ExportResult {
  readonly id: Digest
  readonly entries: number
  /** Of the tar, before compression. */
  readonly bytes: number
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * The file tree of an image as a flat tar, layers merged, without a daemon and without unpacking. Unless
 * `bare`, the image's config is carried in a header that other readers pass over, and import puts it back.
 */
export const exportImage = (options: ExportOptions): Promise<ExportResult> =>
  withImage(options, async ({ source, tree, image }) => {
    await using spool = await openSpoolFile()
    const tocs = await Promise.all(image.layers.map(layer => layer.toc()))
    const merged = mergeTocs(tocs)
    const { entries, losses } = flatEntries(merged, {
      bare: options.bare ?? false,
      includes: filterOf(options),
    })
    const layers = []
    for (const layer of image.layers) layers.push(await openLayerBytes(source, layer, spool))

    const names = tree.root.names.map(fullName)
    const manifest = image.manifest.descriptor.digest
    const config = Buffer.from(image.configDocument.bytes)
    const head = options.bare ? undefined : encodeCarried({ config, names, manifest })
    const total = entries.reduce((sum, { content }) => sum + (content?.entry.size ?? 0), 0)
    const task: ProgressTask = (options.progress ?? silent).begin('Exporting', total)
    let bytes = 0
    const tar = counted(flatTar(entries, layers, head), length => {
      bytes += length
      task.advance(length)
    })
    const output = await openOutput(options.output)
    await output.write(options.compress ? compress(tar, options.compress) : tar)
    task.end()
    return {
      id: image.configDocument.descriptor.digest,
      ...{ entries: entries.length, bytes },
      losses: lossesOf({ tree, image }, source, head !== undefined, losses),
      warnings: [...source.warnings, ...merged.oddities.map(message => ({ what: 'layer', message }))],
    }
  })

const filterOf = ({ include = [], exclude = [] }: ExportOptions): ((path: string) => boolean) => {
  const wanted = include.map(globMatcher)
  const unwanted = exclude.map(globMatcher)
  // A folder that is left out takes what is in it along.
  const matchesAbove = (matches: (path: string) => boolean, path: string): boolean => {
    for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/'))))
      if (matches(at)) return true
    return false
  }
  return path =>
    (wanted.length === 0 || wanted.some(matches => matchesAbove(matches, path))) &&
    !unwanted.some(matches => matchesAbove(matches, path))
}

/** A snapshot has no layers and no history; what else it has not depends on what it carries. */
const lossesOf = (
  { tree, image }: PickedImage,
  source: AnySource,
  carried: boolean,
  { xattrs, subSecondTimes }: FlatLosses,
): readonly Loss[] => {
  const where = source.place
  const loss = (what: string, why: string, count: number, remedy?: string): Loss[] =>
    count > 0 ? [{ what, where, why, count, ...(remedy !== undefined && { remedy }) }] : []
  const why = 'a snapshot has no image metadata'
  const remedy = 'Export without --bare to carry it'
  return [
    ...loss(
      'layers',
      'a snapshot is one file tree',
      image.layers.length > 1 ? image.layers.length : 0,
      'lading save keeps them',
    ),
    ...loss('history', 'its entries speak of layers', image.config.history.length, 'lading save keeps it'),
    ...(carried ? [] : configFields(image).flatMap(field => loss(field, why, 1, remedy))),
    ...(carried ? [] : loss('name', why, tree.root.names.length, remedy)),
    ...loss('xattr', 'docker export keeps only capabilities', xattrs, remedy),
    ...loss('sub-second-time', 'docker export keeps whole seconds', subSecondTimes, remedy),
  ]
}

/** The fields of a config that say something: `config.Env`, `author` … */
export const configFields = ({ config }: Image): readonly string[] => {
  const says = (value: unknown) =>
    value !== undefined &&
    value !== null &&
    value !== '' &&
    value !== false &&
    JSON.stringify(value) !== '{}' &&
    JSON.stringify(value) !== '[]'
  const own = ['author', 'comment', 'created'].filter(field => says(config.fields[field]))
  return [
    ...Object.keys(config.config)
      .filter(field => says(config.config[field]))
      .map(field => `config.${field}`),
    ...own,
  ].sort()
}
