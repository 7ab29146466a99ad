import type { Digest } from './digest.js'
import type { Platform } from './platform.js'

/** OCI image-spec descriptor.md. `size` in bytes. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  readonly size: number
  readonly urls?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  readonly platform?: Platform
  readonly artifactType?: string
  /** Base64 of the content itself. */
  readonly data?: string
}

/** A foreign document, kept as the bytes it came as and never re-serialised: its digest is its identity. */
export interface RawDocument {
  readonly bytes: Uint8Array
  readonly descriptor: Descriptor
}
