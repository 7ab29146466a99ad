import type { ByteStream } from '../bytes/byte-stream.js'
import { decompressOnce } from '../bytes/decompress.js'
import { createHasher } from '../bytes/hasher.js'
import type { Compression } from '../bytes/sniff.js'
import type { Digest } from '../spec/digest.js'
import { during, LadingError } from '../spec/errors.js'
import { limits } from '../spec/limits.js'
import type { PaxRecord } from '../tar/entry.js'
import { TarScanner } from '../tar/scan-stream.js'
import type { Toc } from './toc.js'
import { TocBuilder } from './toc-builder.js'

/** What one reading of a layer's blob tells. */
export interface MeasuredLayer {
  /** Of the blob as stored; `size` in bytes. */
  readonly digest: Digest
  readonly size: number
  readonly compression: Compression
  /** Of the uncompressed bytes, all of them: what stands behind the end of the tar counts (moby does the same). */
  readonly diffId: Digest
  readonly uncompressedSize: number
  readonly toc: Toc
  /** Of the global PAX headers, in order: a snapshot's metadata is in one. */
  readonly globals: readonly PaxRecord[]
  /** Why the Toc is empty, where the blob is no tar (in-toto statements, WebAssembly, squashfs are layers too). */
  readonly notTar?: string
}

/**
 * Read a layer once: digest of what is stored, DiffID, Toc. `tap` is given each stored chunk first, and
 * waited for: a writer. Throws what is wrong with the compression or the tar; `what` names the layer.
 */
export const measureLayer = async (
  stored: ByteStream,
  what: string,
  tap?: (chunk: Uint8Array) => Promise<void>,
): Promise<MeasuredLayer> => {
  const blob = createHasher()
  let size = 0
  async function* tapped(): ByteStream {
    for await (const chunk of stored) {
      blob.update(chunk)
      size += chunk.length
      await tap?.(chunk)
      yield chunk
    }
  }
  const { stream, compression } = await decompressOnce(tapped(), { what, maxBytes: limits.uncompressedLayer })
  const inner = compression === 'none' ? undefined : createHasher()
  const tar = scan(what)
  let uncompressedSize = 0
  for await (const chunk of stream) {
    inner?.update(chunk)
    uncompressedSize += chunk.length
    tar.push(chunk)
  }
  const { toc, globals, notTar } = tar.finish(uncompressedSize)
  const digest = blob.digest()
  return {
    ...{ digest, size, compression, uncompressedSize, toc, globals },
    diffId: inner ? inner.digest() : digest,
    ...(notTar !== undefined && { notTar }),
  }
}

/** A scanner that gives up, without an error, on what is no tar from its first byte on. */
const scan = (what: string) => {
  const builder = new TocBuilder()
  const globals: PaxRecord[] = []
  let held = 0
  let scanner: TarScanner | undefined = new TarScanner({
    entry: entry => builder.add(entry),
    global: records => {
      for (const record of records) globals.push(record)
      held += records.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
      if (held > limits.heldDocuments)
        throw new LadingError(
          'LIMIT_EXCEEDED',
          `Its global PAX headers hold more than ${limits.heldDocuments} bytes`,
        )
    },
  })
  let notTar: string | undefined
  const attempt = (work: (scanner: TarScanner) => void): void => {
    if (scanner === undefined) return
    try {
      work(scanner)
    } catch (error) {
      if (!isNoTar(error)) throw during(`Cannot read ${what}`, error)
      notTar = (error as LadingError).message
      scanner = undefined
    }
  }
  return {
    push: (chunk: Uint8Array) => attempt(scanner => scanner.push(chunk)),
    finish: (size: number) => {
      attempt(scanner => scanner.end())
      return { toc: builder.finish(size), globals, notTar }
    },
  }
}

/** The first block is no header, or there is not even one block. */
const isNoTar = (error: unknown): boolean =>
  error instanceof LadingError &&
  ((error.code === 'BAD_TAR' && error.data.offset === 0 && error.data.wanted !== undefined) ||
    (error.code === 'TRUNCATED' && error.data.wanted === 512))
