/**
 * The root file system whose files are read where they lie. A folder of the container holds: `image`, the EROFS
 * metadata; `d/0`, `d/1` … the files with the layers; `lower`, where the image is mounted; `upper` and `work`.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Image } from '../../image/interfaces.js'
import type { AnySource } from '../../image/wrapped-source.js'
import { LadingError } from '../../spec/errors.js'
import type { ProgramStep } from '../launcher/program.js'
import { checkedNote } from './erofs/image-file.js'
import { checkHeld, type HeldFile, holdFile } from './held-files.js'
import { findLayerDevices, type LayerDevices } from './layer-devices.js'
import { attachLoop, releaseLoops } from './loop-device.js'
import { detachStep, fitsMountData, goStep, mountFlags, mountStep } from './mount-steps.js'
import { makeUpper, type OverlayOptions, overlayData, overlayStep } from './overlay-mount.js'
import { makeComplete, type RootfsFolders } from './store-folders.js'
import { stubsVersion } from './stubs-version.js'

/** `file` from Linux 6.12 on. */
export type ErofsSource = 'file' | 'loop'

/** What is written down of a container's root file system to mount it again. */
export interface ErofsRecord {
  readonly source: ErofsSource
  readonly devices: readonly HeldFile[]
}

/** Make the folder ready. Throws LIMIT_EXCEEDED for more devices than can be mounted together. */
export const prepareErofs = async (
  folder: string,
  { source, image }: { source: AnySource; image: Image },
  folders: RootfsFolders,
  mountedFrom: ErofsSource,
): Promise<ErofsRecord> => {
  const placed = await findLayerDevices(source, image, folders)
  const { devices } = placed
  if (!fitsMountData(deviceOptions(devices.map((_, index) => deviceName(index)))))
    throw new LadingError(
      'LIMIT_EXCEEDED',
      `Cannot mount the layers where they lie: they are in ${devices.length} files, which is too many for one mount`,
    )
  const kept = join(folders.images, keyOf(image, placed))
  let root = checkedNote(kept)?.root
  if (root === undefined) {
    rmSync(kept, { force: true })
    await makeComplete(folders, kept, async draft => {
      // Once for each image: what writes it is loaded then.
      const { writeImage } = await import('./write-erofs-image.js')
      root = await writeImage(draft, placed, source, image)
    })
  }
  mkdirSync(join(folder, 'd'), { mode: 0o700 })
  mkdirSync(join(folder, 'lower'), { mode: 0o700 })
  holdFile(kept, join(folder, 'image'))
  const held = devices.map(({ path }, index) => holdFile(path, join(folder, deviceName(index))))
  await makeUpper(folder, root!)
  return { source: mountedFrom, devices: held }
}

/** Throws when a file that the container needs is not as it was. */
export const checkErofs = (folder: string, { devices }: ErofsRecord): void => {
  if (checkedNote(join(folder, 'image')) === undefined)
    throw new LadingError('STORE_CORRUPT', `The list of files in ${folder}/image is damaged`)
  for (const [index, file] of devices.entries()) checkHeld(file, join(folder, deviceName(index)))
}

/** With loop devices, these are made now, and wait for the mount until releaseLoops; a mounted one goes with its mount. */
export const erofsSteps = async (
  folder: string,
  { source, devices }: ErofsRecord,
  options: OverlayOptions,
): Promise<(target: string) => readonly ProgramStep[]> => {
  const names = ['image', ...devices.map((_, index) => deviceName(index))]
  const attach = async (name: string) => (source === 'loop' ? attachLoop(join(folder, name), folder) : name)
  releaseLoops(folder)
  const [image, ...files] = await Promise.all(names.map(attach))
  return target => [
    goStep(folder),
    mountStep('mount the image (erofs)', {
      ...{ source: image!, target: 'lower', type: 'erofs', flags: mountFlags.readOnly },
      ...(files.length > 0 && { data: deviceOptions(files) }),
    }),
    overlayStep(target, overlayData(['lower'], options)),
    detachStep('lower'),
    goStep('/'),
  ]
}

const deviceName = (index: number): string => `d/${index}`
const deviceOptions = (names: readonly string[]): string => names.map(name => `device=${name}`).join(',')

/** Whatever an image's metadata depends on. */
const keyOf = ({ layers }: Image, placed: LayerDevices): string => {
  const parts = [
    ...['erofs1', stubsVersion, placed.devices.map(({ identity, size }) => [identity, size])],
    layers.map(({ diffId }, index) => [diffId, placed.layers[index]]),
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
