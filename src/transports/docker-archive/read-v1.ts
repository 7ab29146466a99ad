/**
 * Archives of before Docker 1.10: a folder an image layer, named by its ID, with `json` and `layer.tar`, each
 * knowing its parent, and `repositories`, which names some of them. Configs did not exist: they are made as
 * `docker load` makes them, so that the image IDs are docker's.
 */
import { digestOf } from '../../bytes/hasher.js'
import type { Root } from '../../image/interfaces.js'
import type { Warning } from '../../image/loss.js'
import { type MeasuredLayer, measureLayer } from '../../layer/measure.js'
import { deriveManifest } from '../../spec/derived-manifest.js'
import type { Descriptor } from '../../spec/descriptor.js'
import { LadingError } from '../../spec/errors.js'
import { fieldsOf } from '../../spec/fields.js'
import { isObject, parseJson } from '../../spec/json.js'
import { limits } from '../../spec/limits.js'
import { mediaTypes, withEncoding } from '../../spec/media-types.js'
import { configFromV1, parseV1Image, type V1Image } from '../../spec/v1-image.js'
import type { Archive } from '../archive/archive.js'
import type { BlobTable } from '../archive/blob-table.js'
import { readTags } from './read-items.js'

/** Whether there is an image of the old kind. */
export const hasV1Images = (archive: Archive): boolean => v1Folders(archive).length > 0

/** `docs/` in front of everything has been seen: images need not lie at the top. */
const v1Folders = (archive: Archive): string[] =>
  [...archive.files.keys()]
    .filter(name => /(?:^|\/)[0-9a-f]{64}\/json$/.test(name))
    .map(name => name.slice(0, -'/json'.length))

/** The images that have a name, and those that are nobody's parent, as roots; their blobs go into `table`. */
export const readV1 = async (
  archive: Archive,
  table: BlobTable,
  warnings: Warning[],
): Promise<readonly Root[]> => {
  const images = new Map<string, { image: V1Image; folder: string }>()
  for (const folder of v1Folders(archive).sort()) {
    const image = parseV1Image(
      await archive.document(`${folder}/json`, limits.config),
      `${folder}/json of ${archive.place}`,
    )
    images.set(image.id, { image, folder })
  }
  const tags = await readRepositories(archive, warnings)
  const parents = new Set([...images.values()].map(({ image }) => image.parent))
  const tops = [...images.keys()].filter(id => tags.has(id) || !parents.has(id))
  const measured = new Map<string, MeasuredLayer>()
  const roots: Root[] = []
  for (const top of tops) {
    const chain = chainOf(images, top, archive.place)
    for (const { image, folder } of chain)
      if (!measured.has(image.id))
        measured.set(image.id, await readLayer(archive, table, `${folder}/layer.tar`))
    const layers = chain.map(({ image }) => ({ image, layer: measured.get(image.id)! }))
    const config = configFromV1(layers.map(({ image, layer }) => ({ image, diffId: layer.diffId })))
    const digest = digestOf(config)
    const manifest = deriveManifest(
      { digest, size: config.length },
      layers.map(({ layer }) => describe(layer)),
    )
    table.addDocument({
      bytes: config,
      descriptor: { mediaType: mediaTypes.ociConfig, digest, size: config.length },
    })
    table.addDocument(manifest)
    roots.push({
      descriptor: manifest.descriptor,
      names: readTags(tags.get(top) ?? [], warnings),
      origin: 'derived',
    })
  }
  for (const [id, names] of tags)
    if (!images.has(id))
      warnings.push({
        what: 'name',
        message: `repositories gives ${names.join(', ')} to ${id}, which is not in the archive`,
      })
  return roots
}

const describe = ({
  digest,
  size,
  compression,
}: MeasuredLayer): Pick<Descriptor, 'mediaType' | 'digest' | 'size'> => ({
  mediaType:
    compression === 'gzip' || compression === 'zstd'
      ? withEncoding(mediaTypes.ociLayer, compression)
      : mediaTypes.ociLayer,
  digest,
  size,
})

const readLayer = async (archive: Archive, table: BlobTable, name: string): Promise<MeasuredLayer> => {
  const file = archive.file(name)
  if (file === undefined)
    throw new LadingError('BLOB_MISSING', `${JSON.stringify(name)} is not in ${archive.place}`)
  const measured = file.measured ?? (await measureLayer(file.content.stream(), `${name} of ${archive.place}`))
  table.add(measured.digest, file.content, measured)
  return measured
}

/** Base first. Throws BLOB_MISSING for a parent that is not there, BAD_DOCUMENT for a circle. */
const chainOf = (
  images: ReadonlyMap<string, { image: V1Image; folder: string }>,
  top: string,
  place: string,
) => {
  const chain: { image: V1Image; folder: string }[] = []
  for (let id: string | undefined = top; id !== undefined; ) {
    const found = images.get(id)
    if (found === undefined)
      throw new LadingError('BLOB_MISSING', `The parent ${id} of ${chain[0]!.image.id} is not in ${place}`, {
        data: { parent: id },
      })
    chain.unshift(found)
    if (chain.length > limits.layersPerImage)
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Cannot read ${place}: the parents of ${top} go in a circle or are more than ${limits.layersPerImage}`,
      )
    id = found.image.parent
  }
  return chain
}

/** ID → names of `repositories`: repository, tag, ID of the top layer. */
const readRepositories = async (archive: Archive, warnings: Warning[]): Promise<Map<string, string[]>> => {
  const names = new Map<string, string[]>()
  if (!archive.has('repositories')) {
    warnings.push({
      what: 'repositories',
      message: `${archive.place} has no file "repositories", so its images have no names`,
    })
    return names
  }
  const what = `repositories of ${archive.place}`
  const { object } = fieldsOf(
    parseJson(await archive.document('repositories'), { what, maxBytes: limits.archiveDocument }),
    what,
  )
  for (const [repository, tags] of Object.entries(object))
    for (const [tag, id] of isObject(tags) ? Object.entries(tags) : [])
      if (typeof id === 'string') names.set(id, [...(names.get(id) ?? []), `${repository}:${tag}`])
  return names
}
