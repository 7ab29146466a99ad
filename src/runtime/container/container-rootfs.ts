import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Descriptor } from '../../spec/descriptor.js'
import type { Rootfs } from '../rootfs/rootfs.js'
import { isRootless } from '../rootless/is-rootless.js'
import { type OpenedImage, reopenImage } from './image.js'
import type { Container } from './record.js'
import { readRecordFile } from './record-file.js'

/** The image that a container was made of, opened again. */
export const imageOf = ({ settings, places, all }: Container): Promise<OpenedImage> =>
  reopenImage(settings.image, readRecordFile(places.image) as Descriptor, all.store)

/** Whether its root file system was made ready: at its first start. */
export const hasRootfs = ({ places }: Container): boolean => existsSync(join(places.rootfs, 'rootfs.json'))

/** Its root file system, made ready where it is not. */
export const rootfsOf = async (container: Container, image: () => Promise<OpenedImage>): Promise<Rootfs> => {
  const { settings, places, all } = container
  const { prepareRootfs, reopenRootfs } = await import('../rootfs/prepare.js')
  const place = { folder: places.rootfs, rootless: isRootless() }
  if (hasRootfs(container)) return reopenRootfs(place)
  const { kind } = settings.rootfs
  return prepareRootfs({
    image: await image(),
    place,
    storeDirectory: all.store,
    throwAway: settings.autoRemove,
    ...(kind && { kind }),
  })
}
