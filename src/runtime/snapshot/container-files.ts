import type { Loss } from '../../image/loss.js'
import { hasRootfs } from '../container/container-rootfs.js'
import type { OpenedImage } from '../container/image.js'
import type { Container } from '../container/record.js'
import { type ContainerFiles, openContainerFiles } from '../rootfs/container-files.js'
import { isRootless } from '../rootless/is-rootless.js'

/** Its files as they are now; undefined of a container that has never started and has none of its own. */
export const openFilesOf = async (
  container: Container,
  image: OpenedImage,
): Promise<ContainerFiles | undefined> =>
  hasRootfs(container)
    ? openContainerFiles({ place: { folder: container.places.rootfs, rootless: isRootless() }, image })
    : undefined

/** When what a container is now was made: the same each time it is asked for. RFC 3339. */
export const createdOf = ({ state, settings }: Container): string =>
  state.finishedAt ?? state.startedAt ?? settings.created

/** What no layer can have of a container's files. */
export const lossesOfFiles = (
  { sockets, unsayable }: Pick<ContainerFiles, 'sockets' | 'unsayable'>,
  where: string,
): readonly Loss[] =>
  [
    { what: 'socket', where, why: 'a socket is of a running process', count: sockets.length },
    {
      ...{ what: 'name', where, count: unsayable.length },
      why: 'in a layer a name that begins with .wh. means that another is gone',
    },
  ].filter(({ count }) => count > 0)
