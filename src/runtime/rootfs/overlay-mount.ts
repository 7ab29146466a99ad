import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { CallStep } from '../launcher/program.js'
import { mountStep } from './mount-steps.js'
import { giveRootAttributes, type RootAttributes } from './root-attributes.js'

export interface OverlayOptions {
  readonly rootless: boolean
  /** Nobody will look at the container's files when it is done: nothing is synced. */
  readonly throwAway: boolean
}

/** Folders for what a container changes, in the folder of its root file system. */
export const makeUpper = async (folder: string, root: RootAttributes): Promise<void> => {
  for (const name of ['upper', 'work']) mkdirSync(join(folder, name), { mode: 0o700 })
  await giveRootAttributes(join(folder, 'upper'), root)
}

/**
 * Options of overlayfs (Documentation/filesystems/overlayfs.rst) by which the upper folder stands for itself: no
 * renamed folder or changed mode is a mere note about a lower one, nor is such a note of an image's followed.
 * All paths are relative and short: of 500 layers' 4096 bytes of mount data hold no others.
 */
export const overlayData = (lower: readonly string[], { rootless, throwAway }: OverlayOptions): string =>
  [
    `lowerdir=${lower.join(':')}`,
    'upperdir=upper,workdir=work',
    'redirect_dir=nofollow,metacopy=off,index=off,xino=off',
    ...(rootless ? ['userxattr'] : []),
    ...(throwAway ? ['volatile'] : []),
  ].join(',')

export const overlayStep = (target: string, data: string): CallStep =>
  mountStep(`mount overlay on ${target}`, { source: 'overlay', target, type: 'overlay', data })
