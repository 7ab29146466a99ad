import type { Progress } from '../bytes/progress.js'
import type { Snapshot } from '../image/snapshot.js'
import type { AnySource } from '../image/wrapped-source.js'

/**
 * What opens containers as places to read from. Containers are the runtime's, above the transports, so whoever
 * knows it hands this down.
 */
export interface ContainerOpener {
  /** Whether there is one of that name or ID. */
  has(query: string): Promise<boolean>
  /** Its image with one more layer, as of one moment. Throws NOT_FOUND. */
  image(query: string, progress: Progress): Promise<AnySource>
  /** Its files: `whole`, as of one moment, for who reads all; otherwise each as it is when it is read. Throws NOT_FOUND. */
  files(query: string, options: { readonly whole: boolean; readonly progress: Progress }): Promise<Snapshot>
}
