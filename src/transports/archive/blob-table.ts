import type { ByteRange, ByteSource, ByteStream, FileRange } from '../../bytes/byte-stream.js'
import { memorySource } from '../../bytes/memory-source.js'
import { verified } from '../../bytes/verified.js'
import type {
  BlobName,
  BlobSource,
  FileBacked,
  MeasurementKeeper,
  TocKeeper,
} from '../../image/interfaces.js'
import type { MeasuredLayer } from '../../layer/measure.js'
import type { Toc } from '../../layer/toc.js'
import type { RawDocument } from '../../spec/descriptor.js'
import type { Digest } from '../../spec/digest.js'
import { LadingError } from '../../spec/errors.js'

/** Blobs by digest, each with where its bytes are: what an archive of any age looks like from above. */
export class BlobTable implements BlobSource, FileBacked, TocKeeper, MeasurementKeeper {
  readonly #place: string
  readonly #contents = new Map<Digest, ByteSource>()
  readonly #tocs = new Map<Digest, Toc>()
  readonly #measured = new Map<Digest, MeasuredLayer>()
  readonly #lookUp: (digest: Digest) => { content: ByteSource; measured?: MeasuredLayer } | undefined

  /** `lookUp` finds what was not added; `place` is for messages. */
  constructor(
    place: string,
    lookUp: (digest: Digest) => { content: ByteSource; measured?: MeasuredLayer } | undefined = () =>
      undefined,
  ) {
    this.#place = place
    this.#lookUp = lookUp
  }

  add(digest: Digest, content: ByteSource, measured?: MeasuredLayer): void {
    this.#contents.set(digest, content)
    if (measured === undefined) return
    this.#measured.set(digest, measured)
    if (measured.notTar === undefined) this.#tocs.set(measured.diffId, measured.toc)
  }

  addDocument({ bytes, descriptor }: RawDocument): void {
    this.add(descriptor.digest, memorySource(bytes))
  }

  async *openBlob(
    blob: BlobName,
    { range, unchecked = false }: { range?: ByteRange; unchecked?: boolean } = {},
  ): ByteStream {
    const content = this.#find(blob.digest)
    if (content === undefined)
      throw new LadingError('BLOB_MISSING', `The blob ${blob.digest} is not in ${this.#place}`, {
        data: { digest: blob.digest },
      })
    yield* range || unchecked
      ? content.stream(range)
      : verified(content.stream(), blob, `blob ${blob.digest} of ${this.#place}`)
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    return this.#find(digest) !== undefined
  }

  async regionOf(digest: Digest): Promise<FileRange | undefined> {
    return this.#find(digest)?.file
  }

  async tocOf(diffId: Digest): Promise<Toc | undefined> {
    return this.#tocs.get(diffId)
  }

  async measurementOf(digest: Digest): Promise<MeasuredLayer | undefined> {
    this.#find(digest)
    return this.#measured.get(digest)
  }

  #find(digest: Digest): ByteSource | undefined {
    const known = this.#contents.get(digest)
    if (known !== undefined) return known
    const found = this.#lookUp(digest)
    if (found !== undefined) this.add(digest, found.content, found.measured)
    return found?.content
  }
}
