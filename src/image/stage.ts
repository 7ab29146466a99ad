import type { ByteSource, ByteStream, FileRange } from '../bytes/byte-stream.js'
import type { MeasuredLayer } from '../layer/measure.js'

/**
 * Where a reading that can happen only once (standard input) or only in order (a compressed archive) puts
 * each blob as it comes by: the store keeps it as a blob, a spool keeps it in an unlinked temporary file, a
 * measuring stage keeps only what was measured.
 */
export interface BlobStage {
  /** Reads `stream` to its end. `what` names it in messages. */
  stage(stream: ByteStream, what: string): Promise<StagedBlob>
  /** Optional power: the same of bytes that lie in a file, by threads; `onBytes` is told of them as they pass. */
  stageRegion?(file: FileRange, what: string, onBytes: (bytes: number) => void): Promise<StagedBlob>
}

export interface StagedBlob {
  readonly measured: MeasuredLayer
  /** The stored bytes, where the stage kept them; valid as long as the stage is. */
  readonly content?: ByteSource
}
