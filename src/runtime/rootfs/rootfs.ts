import type { ProgramStep } from '../launcher/program.js'
import type { RootfsKind } from '../settings.js'

/** Where a container's own files lie: a folder of its record. */
export interface RootfsPlace {
  /** Absolute; made by whoever asks, 0700. */
  readonly folder: string
  /** Whether an ordinary user asks, inside a user namespace of his own. */
  readonly rootless: boolean
}

/**
 * The root file system of one container, made ready but not mounted: it is mounted by steps of the container's
 * own set-up, in its own mount namespace, so nothing is left on the host however it ends.
 */
export interface Rootfs {
  readonly kind: RootfsKind
  /** Why this kind and no better one, in words: for `info` and `--explain`. */
  readonly why: string
  /**
   * The steps that mount it at the absolute path `target`, an empty folder of the host. They run in a new mount
   * namespace whose mounts are private. Every step is named.
   */
  steps(target: string): readonly ProgramStep[]
  /** The folder with what the container has changed (overlayfs's upper layer); absent for `copy`, which has no layers. */
  readonly upper?: string
  /** Absolute; of `copy` the tree itself. */
  readonly tree?: string
  /**
   * Let go of what is open only until the steps have run (loop devices): to be called when they have, or never will.
   * The process's end does it too. Idempotent.
   */
  release?(): void
}
