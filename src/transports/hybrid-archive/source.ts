/**
 * An archive that is an OCI layout and a docker archive at once, as Docker ≥ 25 and lading write it. Tools
 * take one reading or the other (containerd the first, Docker's own store and go-containerregistry the
 * second), so an archive whose two halves differ means two things. The index is what is read here, because it
 * has every digest; manifest.json adds names, adds the images that the index lacks (moby leaves out untagged
 * ones), and stands in where the index cannot work. Every difference is a warning that names both readings.
 */
import { collect } from '../../bytes/collect.js'
import { digestOf } from '../../bytes/hasher.js'
import type { Root } from '../../image/interfaces.js'
import type { Warning } from '../../image/loss.js'
import type { AnySource } from '../../image/wrapped-source.js'
import type { Descriptor } from '../../spec/descriptor.js'
import { type Digest, hexOf, shortDigest } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { parseIndex } from '../../spec/image-index.js'
import { limits } from '../../spec/limits.js'
import { type Manifest, parseManifest } from '../../spec/manifest.js'
import { isIndexType, isManifestType } from '../../spec/media-types.js'
import { familiarName, fullName, type Reference } from '../../spec/reference.js'
import type { Archive } from '../archive/archive.js'
import { archiveSource } from '../archive/archive-source.js'
import type { BlobTable } from '../archive/blob-table.js'
import { type ManifestItem, readManifestItems } from '../docker-archive/items.js'
import { readItem, readTags } from '../docker-archive/read-items.js'
import { readLayout } from '../layout/read-layout.js'
import { layoutTable } from '../oci-archive/source.js'

/** Owns `archive` from now on. */
export const openHybridArchive = (archive: Archive): AnySource => {
  const table = layoutTable(archive)
  return archiveSource(archive, table, 'docker+oci-archive', warnings => readBoth(archive, table, warnings))
}

/** An image that the index leads to. */
interface Indexed {
  readonly root: Root
  readonly manifest: Manifest
}

const readBoth = async (
  archive: Archive,
  table: BlobTable,
  warnings: Warning[],
): Promise<readonly Root[]> => {
  const differ = (message: string) =>
    warnings.push({ what: 'disagreement', message: `${archive.place}: ${message}` })
  const indexed = new Map<Digest, Indexed>()
  const roots = new Map<Digest, Root>()
  for (const root of await readLayout(archive)) {
    roots.set(root.descriptor.digest, root)
    for (const manifest of await manifestsBelow(table, root.descriptor, 0))
      indexed.set(manifest.config.digest, { root, manifest })
  }
  const items = await readManifestItems(archive)
  const mentioned = new Set<Digest>()
  for (const [place, item] of items.entries()) {
    const id = digestOf(await archive.document(item.config, limits.config))
    const names = readTags(item.repoTags, warnings)
    mentioned.add(id)
    const found = indexed.get(id)
    const difference = found && layerDifference(archive, item, found.manifest)
    if (difference)
      differ(
        `index.json and manifest.json disagree on the layers of image ${shortDigest(id)}…: ${difference}`,
      )
    if (found === undefined && indexed.size > 0)
      differ(
        `manifest.json lists image ${shortDigest(id)}… (${item.repoTags.map(visible).join(', ') || 'no tag'}), index.json does not`,
      )
    if (found !== undefined && found.manifest.layers.length === item.layers.length) {
      const root = roots.get(found.root.descriptor.digest)!
      nameDifference(root.names, names, differ, id)
      roots.set(root.descriptor.digest, { ...root, names: union(root.names, names) })
      continue
    }
    // The index has no working manifest for this image: read it as a docker archive.
    const broken = found ?? (await brokenTwin(table, roots, names))
    let descriptor: Descriptor
    try {
      descriptor = await readItem(archive, table, item, place)
    } catch (error) {
      if (!(error instanceof LadingError) || broken === undefined) throw error
      // Neither half works: the index's is kept, to be looked at.
      differ(error.message)
      continue
    }
    if (broken) roots.delete(broken.root.descriptor.digest)
    roots.set(descriptor.digest, {
      descriptor,
      names: union(broken?.root.names ?? [], names),
      origin: 'derived',
    })
  }
  for (const [id, { root, manifest }] of indexed)
    if (
      !mentioned.has(id) &&
      isManifestType(root.descriptor.mediaType) &&
      manifest.artifactType === undefined &&
      items.length > 0
    )
      differ(
        `index.json lists image ${shortDigest(id)}… (${root.names.map(familiarName).join(', ') || 'no name'}), manifest.json does not`,
      )
  return [...roots.values()]
}

/** A root that has one of the names, and of which nothing is there. */
const brokenTwin = async (
  table: BlobTable,
  roots: ReadonlyMap<Digest, Root>,
  names: readonly Reference[],
): Promise<{ root: Root } | undefined> => {
  const wanted = new Set(names.map(fullName))
  for (const root of roots.values())
    if (
      root.names.some(name => wanted.has(fullName(name))) &&
      (await manifestsBelow(table, root.descriptor, 0)).length === 0
    )
      return { root }
  return undefined
}

/** The manifests at or below a descriptor that are there and can be read. */
const manifestsBelow = async (
  table: BlobTable,
  descriptor: Descriptor,
  depth: number,
): Promise<readonly Manifest[]> => {
  const { mediaType, digest } = descriptor
  if (depth > limits.indexDepth || !(await table.hasBlob(digest))) return []
  if (!isManifestType(mediaType) && !isIndexType(mediaType)) return []
  const bytes = await collect(table.openBlob(descriptor), {
    max: limits.manifest,
    what: `document ${digest}`,
  })
  if (isManifestType(mediaType)) return [parseManifest({ bytes, descriptor })]
  const below: Manifest[] = []
  for (const child of parseIndex({ bytes, descriptor }).manifests)
    below.push(...(await manifestsBelow(table, child, depth + 1)))
  return below
}

/** How the layers of the two readings differ, in words; undefined where they are the same files. */
const layerDifference = (
  archive: Archive,
  { layers: names }: ManifestItem,
  { layers }: Manifest,
): string | undefined => {
  if (layers.length !== names.length) return `${layers.length} by the index, ${names.length} by manifest.json`
  for (const [index, { digest }] of layers.entries()) {
    const file = archive.file(names[index]!)
    const own = archive.file(`blobs/sha256/${hexOf(digest)}`)
    if (file !== own)
      return `layer ${index + 1} is ${shortDigest(digest)}… by the index, the file ${JSON.stringify(visible(names[index]!))} by manifest.json`
  }
  return undefined
}

const nameDifference = (
  byIndex: readonly Reference[],
  byManifest: readonly Reference[],
  differ: (message: string) => void,
  id: Digest,
): void => {
  const show = (names: readonly Reference[]) => names.map(familiarName).sort().join(', ') || 'no name'
  if (byIndex.length > 0 && show(byIndex) !== show(byManifest))
    differ(
      `image ${shortDigest(id)}… is called ${show(byIndex)} by index.json, ${show(byManifest)} by manifest.json`,
    )
}

const union = (a: readonly Reference[], b: readonly Reference[]): readonly Reference[] => [
  ...new Map([...a, ...b].map(name => [fullName(name), name])).values(),
]
