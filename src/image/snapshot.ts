import type { Carried } from '../layer/carried.js'
import type { Contents } from '../layer/content.js'
import type { MergedTree } from '../layer/merged-tree.js'
import type { Loss, Warning } from './loss.js'

/** A file tree as it was at one moment: what a rootfs tar or a folder holds. Reading it needs it open. */
export interface Snapshot extends AsyncDisposable {
  /** As the user named it, for messages. */
  readonly place: string
  readonly format: 'rootfs' | 'dir'
  readonly tree: MergedTree
  readonly contents: Contents
  /** Image metadata that came along. */
  readonly carried?: Carried
  /** What of it could not even be read: sockets. */
  readonly losses: readonly Loss[]
  readonly warnings: readonly Warning[]
}
