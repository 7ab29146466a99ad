import { closeSync, constants, openSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadSystemCalls, pathIn } from '../../layer/disk/system-calls.js'
import { mergeTocs } from '../../layer/merged-tree.js'
import { TocBuilder } from '../../layer/toc-builder.js'
import type { RootfsAbilities } from './abilities.js'
import { buildErofs } from './erofs/image.js'
import { attachLoop, releaseLoops } from './loop-device.js'
import { tryFileSystem } from './new-mount.js'
import { opaqueMark } from './overlay-marks.js'
import { removeTree } from './remove-tree.js'
import type { RootfsFolders } from './store-folders.js'

/** Try each in a small folder of its own in `folder`. */
export const tryAll = async (
  folders: RootfsFolders,
  folder: string,
  rootless: boolean,
): Promise<RootfsAbilities> => {
  const trial = join(folder, `.probe-${process.pid}`)
  await mkdir(trial, { mode: 0o700 })
  try {
    const overlay = await tryOverlay(trial, rootless)
    const erofs = rootless
      ? { erofsFile: notRootless, erofsLoop: notRootless }
      : { ...(await tryErofs(folders, trial)) }
    return { ...erofs, ...(overlay !== undefined && { overlay }) }
  } finally {
    await removeTree(trial)
  }
}

const notRootless = 'Linux mounts EROFS for root only'

/** A tiny image where images are kept, with a device where containers are. */
const tryErofs = async (
  folders: RootfsFolders,
  trial: string,
): Promise<Pick<RootfsAbilities, 'erofsFile' | 'erofsLoop'>> => {
  const tocs = [new TocBuilder().finish(0)]
  const tree = mergeTocs(tocs)
  const { metadata } = buildErofs({ tree, tocs, layers: [{ device: 1, block: 0 }], devices: [512] })
  await mkdir(folders.images, { recursive: true, mode: 0o700 })
  const [image, device] = [join(folders.images, `probe-${process.pid}`), join(trial, 'device')]
  const attempt = async (from: (path: string) => Promise<string> | string): Promise<string | undefined> => {
    try {
      const [source, data] = [await from(image), await from(device)]
      return await tryFileSystem('erofs', [['source', source], ['device', data], ['ro']])
    } catch (error) {
      return (error as Error).message
    }
  }
  try {
    await writeFile(image, metadata)
    await writeFile(device, Buffer.alloc(512))
    const erofsFile = await attempt(path => path)
    const erofsLoop = await attempt(path => attachLoop(path, trial))
    return {
      ...(erofsFile !== undefined && { erofsFile }),
      ...(erofsLoop !== undefined && { erofsLoop }),
    }
  } finally {
    releaseLoops(trial)
    await removeTree(image)
  }
}

const tryOverlay = async (trial: string, rootless: boolean): Promise<string | undefined> => {
  const paths = ['lower', 'upper', 'work'].map(name => join(trial, name))
  for (const path of paths) await mkdir(path)
  // By descriptor: a path may hold what has a meaning to overlayfs.
  const fds = paths.map(path => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY))
  try {
    const [lower, upper, work] = fds.map(fd => `/proc/self/fd/${fd}`)
    const mark = opaqueMark[rootless ? 'rootless' : 'root']
    const system = await loadSystemCalls()
    system.setXattr(pathIn(fds[1]!, Buffer.from('.')), { name: Buffer.from(mark), value: Buffer.from('y') })
    return await tryFileSystem('overlay', [
      ...([
        ['lowerdir', lower!],
        ['upperdir', upper!],
        ['workdir', work!],
      ] as const),
      ...(rootless ? ([['userxattr']] as const) : []),
    ])
  } catch (error) {
    return (error as Error).message
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}
