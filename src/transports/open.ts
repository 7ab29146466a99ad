import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteStream } from '../bytes/byte-stream.js'
import { counted } from '../bytes/counted.js'
import { type Decompressed, decompress } from '../bytes/decompress.js'
import { openFile } from '../bytes/file-source.js'
import { peek } from '../bytes/peek.js'
import { type Progress, silent } from '../bytes/progress.js'
import { sniffCompression, sniffLength } from '../bytes/sniff.js'
import type { Root } from '../image/interfaces.js'
import type { Warning } from '../image/loss.js'
import { selectRoots } from '../image/select.js'
import type { BlobStage } from '../image/stage.js'
import { type AnySource, wrapSource } from '../image/wrapped-source.js'
import { LadingError } from '../spec/errors.js'
import { defaultStoreDirectory } from '../store/places.js'
import type { Archive } from './archive/archive.js'
import { readInOrder } from './archive/read-in-order.js'
import { readInPlace } from './archive/read-in-place.js'
import { measuringStage, openSpoolStage } from './archive/stages.js'
import type { ContainerOpener } from './containers.js'
import { openDockerArchive } from './docker-archive/source.js'
import { openHybridArchive } from './hybrid-archive/source.js'
import { explain, type Kind, kindOfArchive, kindOfBytes } from './identify.js'
import { openOciArchive } from './oci-archive/source.js'
import { openOciLayout } from './oci-layout/source.js'
import { type ImagePlace, isSnapshotPlace, type Place } from './place.js'

export interface OpenOptions {
  /** Where blobs go that come by only once. Without it, standard input is spooled into an unnamed temporary file. */
  readonly stage?: BlobStage
  readonly stdin?: ByteStream
  readonly storeDirectory?: string
  readonly progress?: Progress
  /** Absent: there are none. */
  readonly containers?: ContainerOpener
}

/**
 * Open a place to read images from. An uncompressed archive in a file is read where it lies; a compressed one
 * is read through once, and inflated again for contents; standard input goes by once. Throws NOT_FOUND,
 * NOT_AN_IMAGE with what it is instead, and what is wrong with the archive.
 */
export const openSource = async (place: Place, options: OpenOptions = {}): Promise<AnySource> => {
  if (isSnapshotPlace(place)) throw notAnImage(place.path, place.kind === 'dir' ? 'folder' : 'rootfs')
  const container = await containerAt(place, options)
  if (container) return container.opener.image(container.query, options.progress ?? silent)
  if (place.kind === 'container') throw noContainers(place.query)
  try {
    const source = await openImagePlace(place, options)
    return place.query === undefined ? source : narrowed(source, place.query, isBare(place))
  } catch (error) {
    throw isBare(place) ? noFileEither(place.query, error) : error
  }
}

/** The container that a place stands for: a bare word names one where no image has that name. Throws NOT_FOUND. */
export const containerAt = async (
  place: ImagePlace,
  options: OpenOptions,
): Promise<{ readonly opener: ContainerOpener; readonly query: string } | undefined> => {
  const { containers: opener } = options
  if (opener === undefined) return undefined
  if (place.kind === 'container') return { opener, query: place.query }
  if (!isBare(place) || !(await opener.has(place.query))) return undefined
  return (await isImage(place.query, options)) ? undefined : { opener, query: place.query }
}

const isImage = async (query: string, options: OpenOptions): Promise<boolean> => {
  try {
    await using store = await openImagePlace({ kind: 'store' }, options)
    return (await selectRoots(store, query)).length > 0
  } catch (error) {
    if (error instanceof LadingError && error.code === 'NOT_FOUND') return false
    throw error
  }
}

const noContainers = (query: string): LadingError =>
  new LadingError('NOT_FOUND', `Cannot open container:${query}: containers are not read here`)

const isBare = (place: ImagePlace): place is ImagePlace & { readonly query: string } =>
  place.kind === 'store' && place.bare === true

/** Whoever typed a bare word may have meant a file. */
const noFileEither = (word: string, error: unknown): unknown =>
  error instanceof LadingError && error.code === 'NOT_FOUND'
    ? new LadingError(
        'NOT_FOUND',
        `There is no file ${JSON.stringify(word)}, and no image of that name: ${error.message}`,
        {
          data: error.data,
        },
      )
    : error

const openImagePlace = async (
  place: Exclude<ImagePlace, { kind: 'container' }>,
  options: OpenOptions,
): Promise<AnySource> => {
  if (place.kind === 'store') {
    // Loaded only here: most places are files.
    const { openStore } = await import('../store/store.js')
    return (await openStore(options.storeDirectory ?? defaultStoreDirectory())).source()
  }
  if (place.kind === 'oci') return openOciLayout(place.path)
  if (place.path !== '-' && (await isFolder(place.path))) {
    if (existsSync(join(place.path, 'index.json'))) return openOciLayout(place.path)
    throw notAnImage(place.path, 'folder')
  }
  const { archive, release } = await openArchive(place.path, options)
  try {
    return withRelease(openImageArchive(archive, place), archive, release)
  } catch (error) {
    await archive[Symbol.asyncDispose]()
    await release()
    throw error
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    status => status.isDirectory(),
    () => false,
  )

const openImageArchive = (archive: Archive, place: Pick<ImagePlace, 'kind'>): AnySource => {
  if (place.kind === 'docker-archive') return openDockerArchive(archive)
  if (place.kind === 'oci-archive') return openOciArchive(archive)
  const kind = kindOfArchive(archive)
  if (kind === 'docker-archive') return openDockerArchive(archive)
  if (kind === 'oci-archive') return openOciArchive(archive)
  if (kind === 'docker+oci-archive') return openHybridArchive(archive)
  throw notAnImage(archive.place, kind)
}

/** Throws NOT_AN_IMAGE: what it is, and what to do. */
const notAnImage = (place: string, kind: Kind): LadingError => {
  const { is, remedy } = explain(kind)
  return new LadingError('NOT_AN_IMAGE', `${place} is ${is}${remedy === undefined ? '' : `. ${remedy}`}`, {
    data: { place, kind },
  })
}

/** The outer tar of a file or of standard input; `release` gives back what was used to keep it. */
const openArchive = (
  path: string,
  options: OpenOptions,
): Promise<{ archive: Archive; release: () => Promise<void> }> =>
  path === '-' ? readStandardInput(options) : readFile(path, options)

const readStandardInput = async ({
  stage,
  stdin = process.stdin as ByteStream,
  progress = silent,
}: OpenOptions) => {
  const spool = stage ? undefined : await openSpoolStage()
  const release = async () => spool?.[Symbol.asyncDispose]()
  const task = progress.begin('Reading')
  try {
    const place = 'standard input'
    const tar = await inflateTar(
      counted(stdin, bytes => task.advance(bytes)),
      place,
    )
    const archive = await readInOrder({ ...tar, place, close: async () => {} }, stage ?? spool!)
    return { archive, release }
  } catch (error) {
    await release()
    throw error
  } finally {
    task.end()
  }
}

const readFile = async (path: string, { stage, progress = silent }: OpenOptions) => {
  const release = async () => {}
  const file = await openFile(path)
  try {
    const head = await file.read({ offset: 0, length: Math.min(sniffLength, file.size) })
    if (sniffCompression(head) === 'none') {
      await inflateTar(file.stream({ offset: 0, length: Math.min(512, file.size) }), path)
      return { archive: await readInPlace(file, path), release }
    }
    const task = progress.begin('Reading', file.size)
    const tar = await inflateTar(
      counted(file.stream(), bytes => task.advance(bytes)),
      path,
    )
    const close = () => file.handle.close()
    const archive = await readInOrder({ ...tar, place: path, again: file, close }, stage ?? measuringStage)
    task.end()
    return { archive, release }
  } catch (error) {
    await file.handle.close()
    throw error
  }
}

/** What a stream inflates to, once it is seen to begin like a tar. Throws NOT_AN_IMAGE for what cannot be one. */
const inflateTar = async (given: ByteStream, place: string): Promise<Decompressed> => {
  const { stream, compressions } = await decompress(given, { what: place })
  const { head, stream: whole } = await peek(stream, 512)
  const kind = kindOfBytes(head)
  // A tar has NULs in its first block, which no text has; what is left is for the tar reader to judge.
  if (kind !== 'unknown' && kind !== 'elf') throw notAnImage(place, kind)
  return { stream: whole, compressions }
}

/** The same source with only the roots that `query` names. */
const narrowed = (source: AnySource, query: string, bare: boolean): AnySource => {
  let roots: Promise<readonly Root[]> | undefined
  const select = () =>
    selectRoots(source, query).catch(error => {
      throw bare ? noFileEither(query, error) : error
    })
  return wrapSource(source, {
    roots: async () => {
      roots ??= select()
      return roots
    },
  })
}

/** The same source, releasing more when it is disposed of, and telling of compressions around the whole. */
const withRelease = (source: AnySource, archive: Archive, release: () => Promise<void>): AnySource =>
  wrapSource(source, {
    get warnings(): readonly Warning[] {
      const { compressions, place } = archive
      if (compressions.length < 2) return source.warnings
      const message = `${place} is compressed ${compressions.length} times (${compressions.join(', then ')}): other tools will not open it`
      return [{ what: 'doubly-compressed', message }, ...source.warnings]
    },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]()
      await release()
    },
  })
