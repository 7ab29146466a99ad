import type { ByteRange, ByteStream } from '../bytes/byte-stream.js'
import type { FilePart } from '../bytes/parts.js'
import type { MeasuredLayer } from '../layer/measure.js'
import type { Toc } from '../layer/toc.js'
import type { ImageConfig } from '../spec/config.js'
import type { Descriptor, RawDocument } from '../spec/descriptor.js'
import type { Digest } from '../spec/digest.js'
import type { PairedHistory } from '../spec/history.js'
import type { Reference } from '../spec/reference.js'
import type { Loss, Warning } from './loss.js'

/**
 * The seam between the media and the verbs. Every medium shows itself as content-addressed blobs and a list
 * of roots, also those that are nothing of the kind (a docker archive of 2014): a manifest that it does not
 * have is derived, deterministically, from what it has. What is the same for all is made of that in view.ts.
 */
export interface BlobSource {
  /**
   * The blob's bytes. A read to the end throws DIGEST_MISMATCH or SIZE_MISMATCH when they are not the ones
   * that `descriptor` names; a `range` is not verified, nor is anything `unchecked`, which is for showing what
   * is wrong. Throws BLOB_MISSING, on the first read at the latest.
   */
  openBlob(descriptor: BlobName, options?: { range?: ByteRange; unchecked?: boolean }): ByteStream
  hasBlob(digest: Digest): Promise<boolean>
}

/** The part of a descriptor that finds and checks a blob. */
export type BlobName = Pick<Descriptor, 'digest' | 'size'>

/**
 * Optional power of a BlobSource: the blob's stored bytes lie contiguous in an open file. Whoever reads all of
 * them there checks them, and tells `passed`, if there is one.
 */
export interface FileBacked {
  regionOf(digest: Digest): Promise<Omit<FilePart, 'check'> | undefined>
}

/** Optional power of a BlobSource: a layer's table of contents is already known and need not be made. */
export interface TocKeeper {
  tocOf(diffId: Digest): Promise<Toc | undefined>
}

/** Optional power of a BlobSource: a blob came by in a reading that measured it, so it need not be read to be checked. */
export interface MeasurementKeeper {
  measurementOf(digest: Digest): Promise<MeasuredLayer | undefined>
}

/** What a place holds under one name or none: a manifest or an index, with every name it goes by. */
export interface Root {
  /** As the place lists it, platform and annotations included. */
  readonly descriptor: Descriptor
  readonly names: readonly Reference[]
  /** `derived`: the place had no such document; lading made it from what stood there. */
  readonly origin: 'document' | 'derived'
}

export type Format = 'docker-archive' | 'oci-archive' | 'docker+oci-archive' | 'oci-layout' | 'store'

export interface ImageSource extends BlobSource, AsyncDisposable {
  /** As the user named it, for messages. */
  readonly place: string
  readonly format: Format
  /** In the order of the place; the same descriptor once, with all its names. */
  roots(): Promise<readonly Root[]>
  /** What is odd about this place and did not stop the reading. Complete after roots(). */
  readonly warnings: readonly Warning[]
}

/**
 * Takes whole trees and pulls from them what it needs. Nothing is visible before commit(); disposing without
 * commit leaves everything as it was. write() is idempotent: a blob that is already there is not read again.
 */
export interface ImageSink extends AsyncDisposable {
  readonly place: string
  write(tree: Tree): Promise<void>
  commit(): Promise<CommitResult>
}

export interface CommitResult {
  /** What could not be kept, over all that was written. */
  readonly losses: readonly Loss[]
  /** Names that stood for another image until now. */
  readonly moved: readonly { readonly name: Reference; readonly from: Digest; readonly to: Digest }[]
}

/** A root with everything that hangs on it. */
export interface Tree {
  readonly root: Root
  readonly source: ImageSource & Partial<FileBacked>
  /** The root's own bytes. */
  readonly document: RawDocument
  /** Every index at or below the root, the root first. */
  readonly indexes: readonly RawDocument[]
  /** Every image at or below the root that is present, in document order. */
  readonly images: readonly Image[]
  /** Manifests below the root that are not images: attestations, signatures, artifacts of any kind. */
  readonly artifacts: readonly Artifact[]
  /** Children that an index lists and the place does not hold (a sparse index). */
  readonly absent: readonly Descriptor[]
}

/** What is not an image; carried along blob by blob, never interpreted. */
export interface Artifact {
  readonly descriptor: Descriptor
  /** Absent where the media type is unknown: then the descriptor's own blob is the only one in `blobs`. */
  readonly manifest?: RawDocument
  /** Config and layers, as the manifest lists them. */
  readonly blobs: readonly Descriptor[]
}

/** One image of one platform: an immutable view; bytes are read when asked for. */
export interface Image {
  /** As its parent lists it. */
  readonly descriptor: Descriptor
  readonly manifest: RawDocument
  /** The config's own bytes: their digest is the image ID. */
  readonly configDocument: RawDocument
  readonly config: ImageConfig
  /** Base layer first. */
  readonly layers: readonly Layer[]
  /** Oldest entry first, each with the index of the layer that it made. */
  readonly history: PairedHistory
  readonly derived: boolean
}

export interface Layer {
  /** Position from the base, 0 first, and how many there are: for messages. */
  readonly index: number
  readonly count: number
  /** As the manifest lists it: digest and size of the blob as stored, compressed or not. */
  readonly descriptor: Descriptor
  /** From the config: the digest of the uncompressed tar. */
  readonly diffId: Digest
  /** The blob as stored, verified. */
  stored(): ByteStream
  /** Uncompressed, verified against the DiffID and the blob's own digest. */
  uncompressed(): ByteStream
  /**
   * The table of contents. Read from headers alone where the layer lies uncompressed in a file (then
   * nothing is verified), otherwise made by one verified reading; kept for the life of the view.
   */
  toc(): Promise<Toc>
}
