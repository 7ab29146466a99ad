import { memorySource } from '../../src/bytes/memory-source.js'
import { verified } from '../../src/bytes/verified.js'
import type { ImageSink, ImageSource, Root } from '../../src/image/interfaces.js'
import { loadTree } from '../../src/image/view.js'
import { LadingError } from '../../src/spec/errors.js'
import { parseReference } from '../../src/spec/reference.js'
import { type Named, ociFiles, type TestImage, type TestIndex } from './generate.js'

/** Generated images in memory as a source; `change` may damage or take away blobs (hex digits → bytes). */
export const generatedSource = (
  roots: readonly Named<TestImage | TestIndex>[],
  change: (blobs: Map<string, Buffer>) => void = () => {},
): ImageSource => {
  const blobs = new Map(
    [...ociFiles(roots)]
      .filter(([name]) => name.startsWith('blobs/'))
      .map(([name, bytes]) => [name.slice('blobs/sha256/'.length), bytes]),
  )
  change(blobs)
  const listed = roots.map(({ item, names = [] }): Root => {
    const bytes = 'index' in item ? item.index : item.manifest
    const { mediaType } = JSON.parse(bytes.toString())
    return {
      descriptor: { mediaType, digest: item.digest, size: bytes.length },
      names: names.map(name => parseReference(name)),
      origin: 'document',
    }
  })
  return {
    place: 'generated images',
    format: 'oci-layout',
    warnings: [],
    roots: async () => listed,
    hasBlob: async digest => blobs.has(digest.slice(7)),
    async *openBlob(descriptor) {
      const bytes = blobs.get(descriptor.digest.slice(7))
      if (!bytes) throw new LadingError('BLOB_MISSING', `No blob ${descriptor.digest}`)
      yield* verified(memorySource(bytes).stream(), descriptor, `blob ${descriptor.digest}`)
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Write every root of a source, in its order or backwards, and commit. */
export const writeAllRoots = async (source: ImageSource, sink: ImageSink, { backwards = false } = {}) => {
  await using open = sink
  const roots = [...(await source.roots())]
  for (const root of backwards ? roots.reverse() : roots) await open.write(await loadTree(source, root))
  return await open.commit()
}
