/**
 * The root file system of layers that were unpacked. A folder of the container holds `l/0` (the topmost), `l/1` …
 * as symbolic links to them, `upper` and `work`.
 */
import { access, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Image } from '../../image/interfaces.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { LadingError } from '../../spec/errors.js'
import type { ProgramStep } from '../launcher/program.js'
import { fitsMountData, goStep } from './mount-steps.js'
import { makeUpper, type OverlayOptions, overlayData, overlayStep } from './overlay-mount.js'
import { readRootAttributes } from './read-root-attributes.js'
import type { RootfsFolders } from './store-folders.js'
import { unpackLayers } from './unpacked-layers.js'

/** Linux fs/overlayfs/params.h, OVL_MAX_STACK. */
const mostLayers = 500

export interface OverlayRecord {
  /** Where the layers are, the topmost first. */
  readonly lower: readonly string[]
}

/** Make the folder ready, unpacking what is not. Throws LIMIT_EXCEEDED for more layers than overlayfs takes. */
export const prepareOverlay = async (
  folder: string,
  { source, image }: { source: AnySource; image: Image },
  folders: RootfsFolders,
): Promise<OverlayRecord> => {
  const count = image.layers.length + 1
  if (count > mostLayers)
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Cannot stack ${image.layers.length} layers: overlayfs takes ${mostLayers - 1} and the container's own`,
      { data: { layers: image.layers.length } },
    )
  const lower = [...(await unpackLayers(source, image, folders))].reverse()
  await mkdir(join(folder, 'l'), { mode: 0o700 })
  for (const [index, path] of lower.entries()) await symlink(path, join(folder, layerName(index)))
  await makeUpper(folder, await readRootAttributes(lower[0]!))
  return { lower }
}

/** Throws NOT_FOUND when a layer is there no more. */
export const checkOverlay = async ({ lower }: OverlayRecord): Promise<void> => {
  for (const path of lower)
    await access(path).catch(() => {
      throw new LadingError('NOT_FOUND', `The unpacked layer ${path} is gone, which the container needs`)
    })
}

export const overlaySteps =
  (folder: string, { lower }: OverlayRecord, options: OverlayOptions) =>
  (target: string): readonly ProgramStep[] => {
    const data = overlayData(
      lower.map((_, index) => layerName(index)),
      options,
    )
    if (!fitsMountData(data))
      throw new LadingError(
        'LIMIT_EXCEEDED',
        `Cannot stack ${lower.length} layers: their names are too long together`,
      )
    return [goStep(folder), overlayStep(target, data), goStep('/')]
  }

const layerName = (index: number): string => `l/${index.toString(36)}`
