import { LadingError } from '../../spec/errors.js'
import type { RootfsKind } from '../settings.js'
import type { RootfsAbilities } from './abilities.js'
import type { ErofsSource } from './erofs-rootfs.js'

export interface RootfsChoice {
  readonly kind: RootfsKind
  /** Of `erofs`. */
  readonly source: ErofsSource
  /** Why this kind and no better one, in words. */
  readonly why: string
}

/**
 * The best kind that the kernel can do: files where they lie, else unpacked layers, else a copy. Throws
 * UNSUPPORTED when it is not able to do the one that is `wanted`.
 */
export const chooseRootfs = (abilities: RootfsAbilities, wanted?: RootfsKind): RootfsChoice => {
  const { erofsFile, erofsLoop, overlay } = abilities
  const source: ErofsSource = erofsFile === undefined ? 'file' : 'loop'
  const noOverlay = overlay && `overlayfs does not work here (${overlay})`
  const noErofs =
    noOverlay ??
    (erofsFile === undefined || erofsLoop === undefined
      ? undefined
      : `EROFS does not work here (${erofsFile === erofsLoop ? erofsFile : `from files: ${erofsFile}; by loop devices: ${erofsLoop}`})`)
  const obstacles = { erofs: noErofs, overlay: noOverlay, copy: undefined }
  if (wanted !== undefined) {
    const obstacle = obstacles[wanted]
    if (obstacle !== undefined)
      throw new LadingError('UNSUPPORTED', `Cannot make a root file system of kind ${wanted}: ${obstacle}`)
    return { kind: wanted, source, why: 'asked for' }
  }
  const how = source === 'file' ? 'from files' : `by loop devices (from files: ${erofsFile})`
  if (noErofs === undefined)
    return { kind: 'erofs', source, why: `the kernel reads the layers where they lie, ${how}` }
  if (noOverlay === undefined) return { kind: 'overlay', source, why: `layers are unpacked: ${noErofs}` }
  return { kind: 'copy', source, why: `the image is copied: ${noOverlay}` }
}
