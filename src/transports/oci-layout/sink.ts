import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { checkRegion } from '../../bytes/check-region.js'
import { openFile } from '../../bytes/file-source.js'
import type { Parts } from '../../bytes/parts.js'
import { sideBySide } from '../../bytes/side-by-side.js'
import { verified } from '../../bytes/verified.js'
import { writeParts } from '../../bytes/write-parts.js'
import type { CommitResult, ImageSink } from '../../image/interfaces.js'
import { descriptorsOf, refNameKey, rootsOf } from '../../image/layout-index.js'
import { canonicalJson } from '../../spec/canonical-json.js'
import type { Descriptor } from '../../spec/descriptor.js'
import type { Digest } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'
import { isObject, type JsonObject, type JsonValue, parseJson } from '../../spec/json.js'
import { checkLayout, layoutText } from '../../spec/layout.js'
import { limits } from '../../spec/limits.js'
import { mediaTypes } from '../../spec/media-types.js'
import { fullName } from '../../spec/reference.js'
import { blobPath, type PlannedBlob, planBlobs } from '../archive/blob-plan.js'
import { type BundleOptions, openBundle } from '../archive/bundle.js'
import { draftBeside, draftName } from '../draft-name.js'

/**
 * An OCI layout folder (OCI image-spec image-layout.md). A new one is made beside its place and renamed. To
 * one that exists, blobs are added under their digests, and then index.json is replaced: a name that stood
 * for another image moves, everything else in it stays. When anything fails, the blobs that were added go
 * again. Two writers at once lose no blob, but one may lose the other's names: only the store has a lock.
 * Throws USAGE for a folder that holds something else.
 */
export const ociLayoutSink = async (directory: string, options: BundleOptions): Promise<ImageSink> => {
  const existing = await readExisting(directory)
  const bundle = openBundle(options)
  return {
    place: directory,
    write: tree => bundle.add(tree),
    commit: async () => {
      const blobs = await planBlobs(bundle.trees)
      const added = bundle.trees.flatMap(({ root }) => descriptorsOf(root, 'familiar'))
      const moved = existing ? await addTo(directory, blobs, added) : await create(directory, blobs, added)
      return { losses: bundle.losses, moved: [...bundle.moved, ...moved] }
    },
    [Symbol.asyncDispose]: () => bundle[Symbol.asyncDispose](),
  }
}

/** Whether there is a layout to add to. */
const readExisting = async (directory: string): Promise<boolean> => {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  if (names.length === 0) return false
  if (!names.includes('oci-layout'))
    throw new LadingError(
      'USAGE',
      `Cannot write an OCI layout into ${JSON.stringify(directory)}: it holds something else`,
      {
        data: { directory, found: names.slice(0, 10) },
      },
    )
  checkLayout(await readFile(join(directory, 'oci-layout')))
  return true
}

const create = async (
  directory: string,
  blobs: readonly PlannedBlob[],
  added: readonly Descriptor[],
): Promise<CommitResult['moved']> => {
  const target = resolve(directory)
  const temporary = draftBeside(target)
  await mkdir(temporary, { mode: 0o700 })
  try {
    await mkdir(join(temporary, 'blobs/sha256'), { recursive: true })
    await sideBySide(blobs, blob => writeBlob(temporary, blob))
    await writeFile(temporary, 'oci-layout', [Buffer.from(layoutText)])
    await writeFile(temporary, 'index.json', [indexDocument({}, added)], 'sync')
    await rename(temporary, target)
    await syncFolder(dirname(target))
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw error
  }
  return []
}

const addTo = async (
  directory: string,
  blobs: readonly PlannedBlob[],
  added: readonly Descriptor[],
): Promise<CommitResult['moved']> => {
  const written: string[] = []
  try {
    await sideBySide(blobs, async blob => {
      if (await writeBlob(directory, blob)) written.push(blobPath(blob.digest))
    })
    const before = parseJson(await readFile(join(directory, 'index.json')), {
      ...{ what: `index.json of ${directory}`, maxBytes: limits.archiveDocument },
    })
    if (!isObject(before) || !(before.manifests === undefined || Array.isArray(before.manifests)))
      throw new LadingError(
        'BAD_DOCUMENT',
        `Bad index.json of ${directory}: wanted an object with a list of manifests`,
      )
    const { kept, moved } = makeRoom((before.manifests ?? []) as readonly JsonValue[], added)
    await writeFile(directory, 'index.json', [indexDocument(before, [...kept, ...added])], 'sync')
    await syncFolder(directory)
    return moved
  } catch (error) {
    for (const path of written) await rm(join(directory, path), { force: true })
    throw error
  }
}

/** What stays of the entries that were there: not those whose name is given away, nor those that come again. */
const makeRoom = (before: readonly JsonValue[], added: readonly Descriptor[]) => {
  const takers = new Map(
    rootsOf(added).flatMap(({ names, descriptor }) => names.map(name => [fullName(name), descriptor.digest])),
  )
  const digests = new Set<unknown>(added.map(({ digest }) => digest))
  const moved: CommitResult['moved'][number][] = []
  const kept = before.filter(entry => {
    if (!isObject(entry)) return true
    const annotations = isObject(entry.annotations) ? entry.annotations : {}
    // Only what the names are read from; what else another tool put there stays as it is.
    const [root] = rootsOf([
      {
        mediaType: '',
        digest: entry.digest as Digest,
        size: 0,
        annotations: annotations as Record<string, string>,
      },
    ])
    const name = root?.names[0]
    if (name === undefined) return annotations[refNameKey] !== undefined || !digests.has(entry.digest)
    const to = takers.get(fullName(name))
    if (to !== undefined && to !== entry.digest) moved.push({ name, from: entry.digest as Digest, to })
    return to === undefined
  })
  return { kept, moved }
}

const indexDocument = (before: JsonObject, manifests: readonly unknown[]): Buffer =>
  canonicalJson({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, ...before, manifests })

/** Put a blob in place unless it is there and whole; whether it was put. */
const writeBlob = async (
  directory: string,
  { digest, size, open: openBlob, part }: PlannedBlob,
): Promise<boolean> => {
  const path = blobPath(digest)
  if (await isWhole(join(directory, path), { digest, size })) return false
  await mkdir(dirname(join(directory, path)), { recursive: true })
  const inFile = await part?.()
  await writeFile(
    directory,
    path,
    inFile ? [inFile] : verified(openBlob(), { digest, size }, `blob ${digest}`),
  )
  return true
}

const isWhole = async (path: string, wanted: { digest: Digest; size: number }): Promise<boolean> => {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile() || found.size !== wanted.size) return false
  await using file = await openFile(path)
  try {
    await checkRegion({ file: file.file, wanted, what: path })
    return true
  } catch (error) {
    // A blob that is damaged is written again.
    if (error instanceof LadingError) return false
    throw error
  }
}

/** Write under a temporary name in the folder, then rename: a file is there whole or not at all. */
const writeFile = async (directory: string, path: string, parts: Parts, sync?: 'sync'): Promise<void> => {
  const temporary = join(directory, draftName(path))
  const handle = await open(temporary, 'wx+', 0o644)
  try {
    try {
      await writeParts(handle.fd, parts)
      if (sync) await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, join(directory, path))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
