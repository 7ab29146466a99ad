/** `cp`: between a container, whether it runs or not, and the host. */
import { closeSync, constants, existsSync, lstatSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, join, posix } from 'node:path'
import type { Loss } from '../../image/loss.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { openDirectory } from '../../transports/directory/source.js'
import { type CopyOptions, copyOut } from '../../verbs/cp.js'
import type { LookOptions } from '../../verbs/open-image.js'
import { openContainerFiles } from '../rootfs/container-files.js'
import { isRootless } from '../rootless/is-rootless.js'
import { imageOf, rootfsOf } from './container-rootfs.js'
import { copyFolder, copyTree } from './copy-tree.js'
import { holdFolder } from './held-folder.js'
import { copyMerging } from './merge-folder.js'
import { withFrozen } from './pause.js'
import type { Container } from './record.js'
import { bindsOf } from './volumes.js'

export type CopyFromOptions = Omit<CopyOptions, keyof LookOptions>

/**
 * A file or folder of a container to the host. It stands still meanwhile. What is mounted in it is read where it comes from: of a
 * tmpfs nothing is seen.
 */
export const copyFromContainer = async (
  container: Container,
  options: CopyFromOptions,
): Promise<readonly Loss[]> => {
  const path = posix.resolve('/', options.path)
  const { places, all, settings } = container
  const destination = mergedInto(options)
  const copy = (tree: Parameters<typeof copyOut>[0], within: string) =>
    destination === undefined
      ? copyOut(tree, { ...options, path: within })
      : copyMerging(destination, aside => copyOut(tree, { ...options, path: within, destination: aside }))
  const bind = bindsOf(all, settings).find(({ target }) => path === target || path.startsWith(`${target}/`))
  if (bind?.is === 'folder') {
    return await withFrozen(container, async () => {
      await using snapshot = await openDirectory(bind.source)
      return await copy(snapshot, path.slice(bind.target.length) || '/')
    })
  }
  await using image = await imageOf(container)
  await rootfsOf(container, async () => image)
  return await withFrozen(container, async () => {
    await using files = await openContainerFiles({
      place: { folder: places.rootfs, rootless: isRootless() },
      image,
    })
    return await copy({ tree: files.after, contents: files.contents }, path)
  })
}

/** The folder of the host that is to be filled, where it is there: one of the same name, or with `/.` the destination itself. */
const mergedInto = ({ path, destination }: CopyFromOptions): string | undefined => {
  const isFolder = (place: string) => statSync(place, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (destination === '-' || !isFolder(destination)) return undefined
  if (meansContent(path)) return destination
  const into = join(destination, posix.basename(posix.resolve('/', path)))
  return isFolder(into) ? into : undefined
}

export interface CopyIntoOptions {
  /** A file or folder of the host; ending in `/.`, what is in the folder; `-` for what is in a tar on standard input. */
  readonly source: string
  /** In the container: a folder that is there, or a name that is to be in one. */
  readonly path: string
  readonly archive?: boolean
  /** What a symbolic link at `source` leads to; without it the link itself. */
  readonly followLink?: boolean
}

/** A file or folder of the host into a container, by docker's rules. Throws NOT_FOUND, CONFLICT. */
export const copyIntoContainer = async (
  container: Container,
  { source: asked, path, archive = false, followLink = false }: CopyIntoOptions,
): Promise<void> => {
  if (asked === '-') return copyTarIntoContainer(container, path)
  const source = followLink && existsSync(asked) ? realpathSync(asked) : asked
  const status = statSync(source, { throwIfNoEntry: false })
  if (status === undefined && lstatSync(source, { throwIfNoEntry: false }) === undefined)
    throw new LadingError('NOT_FOUND', `There is nothing at ${visible(source)}`)
  const contentOnly = meansContent(asked)
  const target = posix.resolve('/', path)
  const isFolder = status?.isDirectory() ?? false
  await using there = await holdFolder(container, target)
  if (there) {
    const into = openFolder(there.path)
    try {
      if (contentOnly && isFolder) await copyFolder(source, into, { archive })
      else await copyTree(source, { into, name: basename(asked) }, { archive })
    } finally {
      closeSync(into)
    }
    return
  }
  if (path.endsWith('/') && !isFolder)
    throw new LadingError('NOT_FOUND', `There is no folder ${visible(path)} in ${container.settings.name}`)
  await using parent = await holdFolder(container, posix.dirname(target))
  if (!parent)
    throw new LadingError(
      'NOT_FOUND',
      `There is no folder ${visible(posix.dirname(target))} in ${container.settings.name}`,
    )
  const into = openFolder(parent.path)
  try {
    await copyTree(source.replace(/\/\.$/, ''), { into, name: posix.basename(target) }, { archive })
  } finally {
    closeSync(into)
  }
}

/** `FOLDER/.`: what is in the folder, not the folder itself. */
const meansContent = (path: string): boolean => /(^|\/)\.$/.test(path)

const copyTarIntoContainer = async (container: Container, path: string): Promise<void> => {
  await using there = await holdFolder(container, posix.resolve('/', path))
  if (!there)
    throw new LadingError('NOT_FOUND', `There is no folder ${visible(path)} in ${container.settings.name}`)
  const into = openFolder(there.path)
  try {
    const { copyTar } = await import('./copy-tar.js')
    await copyTar(process.stdin, into, container.places.folder)
  } finally {
    closeSync(into)
  }
}

const openFolder = (path: string): number => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
