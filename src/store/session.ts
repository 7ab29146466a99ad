import { chmod, link, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ByteStream } from '../bytes/byte-stream.js'
import { sideBySide } from '../bytes/side-by-side.js'
import { StopFlag, threadCount } from '../bytes/threads.js'
import { checkDigest, checkSize } from '../bytes/verified.js'
import { writeAll, writeChunk } from '../bytes/write-file.js'
import type { CommitResult, ImageSink, Layer, Tree } from '../image/interfaces.js'
import { checkDiffId, layerName } from '../image/layer-view.js'
import type { BlobStage, StagedBlob } from '../image/stage.js'
import { type MeasuredLayer, measureLayer } from '../layer/measure.js'
import { measureRegion } from '../layer/measure-region.js'
import type { Descriptor, RawDocument } from '../spec/descriptor.js'
import { type Digest, shortDigest } from '../spec/digest.js'
import { during, LadingError } from '../spec/errors.js'
import { isForeignLayer } from '../spec/media-types.js'
import { syncFolder } from './atomic-file.js'
import { hasBlob, openBlob, storedContent } from './blobs.js'
import { withLock } from './file-lock.js'
import { keepMeasured, keptDiffId } from './layer-records.js'
import { takeLease } from './lease.js'
import { digestPath, type StorePlaces } from './places.js'
import { addRoots, readRoots, writeRoots } from './store-index.js'
import { sweep } from './sweep.js'
import { noteUnsynced } from './unsynced.js'

/** One piece of writing into a store: all of it becomes visible with commit(), or none of it stays. */
export interface StoreSession extends ImageSink, BlobStage {
  /** A layer that `fill` writes where it is to lie, into the open file, from its beginning, and measures. */
  stageFilled(fill: (fd: number) => Promise<MeasuredLayer>): Promise<StagedBlob>
}

export interface SessionOptions {
  /** Wait for the disk, blob by blob, instead of listing what is not synced yet. */
  readonly sync?: boolean
}

/** How a layer's region is measured: in company or alone, and until when. */
interface RegionOptions {
  readonly alone: boolean
  readonly stop: StopFlag
}

/**
 * Blobs are pinned, written under a temporary name, then linked to their digest: two processes that bring the
 * same blob both succeed, and the second finds it there. Then come the documents, and last the index.
 */
export const openSession = async (
  places: StorePlaces,
  bootId: string,
  { sync = false }: SessionOptions,
): Promise<StoreSession> => {
  const lease = await takeLease(places)
  const written = new Set<Digest>()
  const roots: Tree['root'][] = []
  let drafts = 0
  let open_ = true

  /** Write under a temporary name and give it its place; `fill` returns the digest that it found. */
  const publish = async <Result extends { digest: Digest }>(
    fill: (fd: number) => Promise<Result>,
  ): Promise<Result> => {
    const draft = join(places.temporary, `blob-${lease.id}-${drafts++}`)
    const handle = await open(draft, 'wx+', 0o600)
    try {
      const result = await fill(handle.fd)
      if (sync) await handle.datasync()
      await lease.pin(result.digest)
      if (!sync && !(await hasBlob(places, result.digest))) await noteUnsynced(places, bootId, result.digest)
      await chmod(draft, 0o444)
      if (await linkNew(draft, digestPath(places.blobs, result.digest))) written.add(result.digest)
      return result
    } finally {
      await handle.close()
      await rm(draft, { force: true })
    }
  }

  /** Whether the blob need not be read: it is there, and no collection takes it from now on. */
  const isThere = async (digest: Digest): Promise<boolean> => {
    await lease.pin(digest)
    return hasBlob(places, digest)
  }

  const measure = (fill: (fd: number) => Promise<MeasuredLayer>): Promise<MeasuredLayer> =>
    publish(async fd => {
      const measured = await fill(fd)
      await keepMeasured(places, measured, lease.id)
      return measured
    })
  const measureStream = (stream: ByteStream, what: string) =>
    measure(fd => measureLayer(stream, what, chunk => writeChunk(fd, chunk)))

  const writeLayer = async (tree: Tree, layer: Layer, options: RegionOptions): Promise<void> => {
    const { descriptor, diffId } = layer
    const what = layerName(layer)
    try {
      if (await isThere(descriptor.digest)) {
        const known = descriptor.digest === diffId ? diffId : await keptDiffId(places, descriptor.digest)
        if (known !== undefined) return checkDiffId(layer, known)
        const measured = await measureLayer(openBlob(places, descriptor), what)
        await keepMeasured(places, measured, lease.id)
        return checkDiffId(layer, measured.diffId)
      }
      const region = await tree.source.regionOf?.(descriptor.digest)
      if (region !== undefined) {
        checkSize(region.length, descriptor.size, what)
        await measure(async output => {
          const onBytes = region.passed
          const { fd, offset, length } = region
          const file = { fd, offset, length }
          const measured = await measureRegion(
            { file, what, output },
            { ...options, ...(onBytes && { onBytes }) },
          )
          // Here, where it is not yet a blob of the store.
          checkDigest(measured.digest, descriptor.digest, what)
          checkDiffId(layer, measured.diffId)
          return measured
        })
        return
      }
      if (isForeignLayer(descriptor.mediaType) && !(await tree.source.hasBlob(descriptor.digest))) return
      checkDiffId(layer, (await measureStream(layer.stored(), what)).diffId)
    } catch (error) {
      throw during(`Cannot take image ${shortDigest(tree.root.descriptor.digest)}…`, error)
    }
  }
  /** Side by side: each layer once, whichever images have it. */
  const writeLayers = async (tree: Tree): Promise<void> => {
    const layers = new Map(
      tree.images.flatMap(image =>
        image.layers.map(layer => [`${layer.descriptor.digest} ${layer.diffId}`, layer]),
      ),
    )
    const bySize = [...layers.values()].sort((a, b) => b.descriptor.size - a.descriptor.size)
    // The one that would be left over, with a thread looking on, is shared by two at the beginning.
    const first = bySize.length % threadCount === 1 ? bySize.splice(0, 1) : []
    for (const layer of first) await writeLayer(tree, layer, { alone: true, stop: new StopFlag() })
    const alone = bySize.length < threadCount
    await sideBySide(bySize, (layer, stop) => writeLayer(tree, layer, { alone, stop }))
  }
  const writeBlob = async (tree: Tree, descriptor: Descriptor): Promise<void> => {
    if (await isThere(descriptor.digest)) return
    await publish(async fd => {
      await writeAll(fd, tree.source.openBlob(descriptor))
      return descriptor
    })
  }

  const writeDocument = async ({ bytes, descriptor }: RawDocument): Promise<void> => {
    if (await isThere(descriptor.digest)) return
    await publish(async fd => {
      await writeChunk(fd, bytes)
      return descriptor
    })
  }

  return {
    place: places.root,

    stage: async (stream, what): Promise<StagedBlob> => {
      const measured = await measureStream(stream, what)
      return { measured, content: storedContent(places, measured) }
    },
    stageRegion: async (file, what, onBytes): Promise<StagedBlob> => {
      const measured = await measure(output =>
        measureRegion({ file, what, output }, { alone: true, onBytes }),
      )
      return { measured, content: storedContent(places, measured) }
    },

    stageFilled: async fill => {
      const measured = await measure(fill)
      return { measured, content: storedContent(places, measured) }
    },

    write: async tree => {
      await writeLayers(tree)
      for (const image of tree.images) {
        await writeDocument(image.configDocument)
        await writeDocument(image.manifest)
      }
      for (const artifact of tree.artifacts) {
        for (const blob of artifact.blobs) await writeBlob(tree, blob)
        if (artifact.manifest) await writeDocument(artifact.manifest)
      }
      for (const index of tree.indexes) await writeDocument(index)
      roots.push(tree.root)
    },

    commit: async (): Promise<CommitResult> => {
      if (!open_) throw new LadingError('USAGE', 'This session is over')
      // The names of blobs are in their folders, which are synced like any file.
      if (sync) for (const name of ['sha256', 'sha512']) await syncFolder(join(places.blobs, name))
      const { moved } = await withLock(places.lock, 'exclusive', async () => {
        const result = addRoots(await readRoots(places), roots)
        await writeRoots(places, result.roots)
        return result
      })
      open_ = false
      await lease.release()
      return { losses: [], moved }
    },

    [Symbol.asyncDispose]: async () => {
      if (!open_) {
        // What was staged on the way and is part of no image.
        await withLock(places.lock, 'exclusive', () => sweep(places, written))
        return
      }
      open_ = false
      await withLock(places.lock, 'exclusive', () => sweep(places, written, lease.id))
      await lease.release()
    },
  }
}

/** Whether the blob is new; one that is there already has the same bytes. */
const linkNew = async (draft: string, path: string): Promise<boolean> => {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
