import { type CompressOptions, compress } from '../bytes/compress.js'
import { countedParts, streamParts } from '../bytes/parts.js'
import { type ProgressTask, silent } from '../bytes/progress.js'
import { openSpoolFile, type SpoolFile } from '../bytes/spool-file.js'
import { expectWork } from '../bytes/threads.js'
import { lossesAt, type Possession } from '../image/capabilities.js'
import { verifiedContents } from '../image/file-content.js'
import type { Loss, Warning } from '../image/loss.js'
import { configPossessions, imagePossessions } from '../image/possessions.js'
import { bytesOf } from '../image/tree-size.js'
import { type Carried, encodeCarried } from '../layer/carried.js'
import type { Contents } from '../layer/content.js'
import { contentBytes, FlatLosses, type FlatOptions, flatEntries, flatTar } from '../layer/flat-tar.js'
import { canonicalJson } from '../spec/canonical-json.js'
import { applyChanges } from '../spec/changes.js'
import { parseConfig } from '../spec/config.js'
import type { Digest } from '../spec/digest.js'
import { fullName } from '../spec/reference.js'
import { openOutput } from '../transports/archive/output.js'
import { globMatcher } from './glob.js'
import type { LookOptions } from './open-image.js'
import { type OpenImage, type OpenTree, withTree } from './open-tree.js'

export interface ExportOptions extends LookOptions {
  /** A path, or `-` for standard output. */
  readonly output: string
  /** What docker export gives: no metadata, whole seconds, of extended attributes the capabilities only. */
  readonly bare?: boolean
  /** Globs; a path that one of `include` matches (all, if empty) and none of `exclude` goes in, with its folders. */
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly compress?: CompressOptions
  /** Dockerfile instructions for the config that is carried. */
  readonly changes?: readonly string[]
}

export interface ExportResult {
  /** Of the image, where it is one. */
  readonly id?: Digest
  readonly entries: number
  /** Of the tar, before compression. */
  readonly bytes: number
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}

/**
 * The file tree of any place as a flat tar, an image's layers merged, without a daemon and without unpacking.
 * Unless `bare`, an image's config is carried in a header that other readers pass over, and import puts it back.
 */
export const exportSnapshot = (options: ExportOptions): Promise<ExportResult> =>
  withTree({ ...options, begin, whole: true }, async opened => {
    await using spool = await openSpoolFile()
    const { bare = false } = options
    const losses = new FlatLosses()
    const flat = flatEntries(opened.tree, { bare, ...filterOf(options) }, losses)
    const carried = changed(carriedOf(opened), options.changes ?? [])
    const head = bare || carried === undefined ? undefined : encodeCarried(carried)
    const contents = await readableContents(opened, spool)
    const task: ProgressTask = (options.progress ?? silent).begin('Exporting', contentBytes(opened.tree))
    let [bytes, entries] = [0, 0]
    const counted = counting(flat, () => entries++)
    const tar = countedParts(flatTar(counted, contents, head), length => {
      bytes += length
      task.advance(length)
    })
    const output = await openOutput(options.output)
    await output.write(options.compress ? compress(streamParts(tar), options.compress) : tar)
    task.end()
    const medium = bare ? 'rootfs-bare' : 'rootfs'
    const where = options.place
    return {
      ...(opened.image && { id: opened.image.image.configDocument.descriptor.digest }),
      ...{ entries, bytes, warnings: opened.warnings },
      losses: [
        ...(opened.snapshot?.losses ?? []),
        ...lossesAt(medium, [...possessionsOf(opened, where), ...filePossessions(losses, where)]),
        ...(bare || head !== undefined || carried === undefined ? [] : [tooLarge(where)]),
      ],
    }
  })

/** While the tables of contents are read, the threads that will copy are started. */
const begin = ({ tree }: OpenImage): undefined => {
  expectWork(bytesOf([tree]))
}

/** For reading them all; an image's layers are verified first. */
export const readableContents = (
  { image, contents }: OpenTree,
  spool: SpoolFile,
): Promise<Contents> | Contents => (image ? verifiedContents(image.source, image.image, spool) : contents)

const carriedOf = ({ image: picked, snapshot }: OpenTree): Carried | undefined =>
  picked
    ? {
        config: Buffer.from(picked.image.configDocument.bytes),
        names: picked.tree.root.names.map(fullName),
        manifest: picked.image.manifest.descriptor.digest,
      }
    : snapshot?.carried

const changed = (carried: Carried | undefined, changes: readonly string[]): Carried | undefined => {
  if (carried === undefined || changes.length === 0) return carried
  const { fields, config } = parseConfig(carried.config, 'the config that is carried')
  return { ...carried, config: canonicalJson({ ...fields, config: applyChanges(config, changes) }) }
}

/** What the place has besides its files. */
export const possessionsOf = ({ image, snapshot }: OpenTree, where: string): readonly Possession[] => {
  if (image) return imagePossessions(image, where)
  const carried = snapshot?.carried
  if (carried === undefined) return []
  return [
    ...configPossessions(parseConfig(carried.config, 'the config that the snapshot carries'), where),
    { aspect: 'name', where, count: carried.names.length },
  ]
}

const filePossessions = (
  { xattrs, records, subSecondTimes }: FlatLosses,
  where: string,
): readonly Possession[] => [
  { aspect: 'xattr', where, count: xattrs },
  { aspect: 'pax-record', where, count: records },
  { aspect: 'sub-second-time', where, count: subSecondTimes },
]

const tooLarge = (where: string): Loss => ({
  ...{ what: 'config', where, count: 1 },
  why: 'it is larger than the header in which tar readers would pass over it',
})

function* counting<Item>(items: Iterable<Item>, onItem: () => void): Iterable<Item> {
  for (const item of items) {
    onItem()
    yield item
  }
}

const filterOf = ({ include = [], exclude = [] }: ExportOptions): Pick<FlatOptions, 'includes'> => {
  if (include.length === 0 && exclude.length === 0) return {}
  const wanted = include.map(globMatcher)
  const unwanted = exclude.map(globMatcher)
  // A folder that is left out takes what is in it along.
  const matchesAbove = (matches: (path: string) => boolean, path: string): boolean => {
    for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/'))))
      if (matches(at)) return true
    return false
  }
  return {
    includes: path =>
      (wanted.length === 0 || wanted.some(matches => matchesAbove(matches, path))) &&
      !unwanted.some(matches => matchesAbove(matches, path)),
  }
}
