import { randomBytes } from 'node:crypto'
import { posix, resolve } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { parseTmpfsOptions } from '../launcher/tmpfs-options.js'
import type { MountSettings } from '../settings.js'
import { badFlag } from './flag-errors.js'

/**
 * Every mount of a container: the user's, and a volume without a name for each of the image's that nothing else
 * is mounted on; in the order of their depth. Throws USAGE, also for two on one target.
 */
export const mountsOf = (given: {
  readonly volumes: readonly string[]
  readonly tmpfs: readonly string[]
  /** Of the image's config. */
  readonly imageVolumes: readonly string[]
}): readonly MountSettings[] => {
  const mounts = new Map<string, MountSettings>()
  for (const mount of [...given.volumes.map(parseVolume), ...given.tmpfs.map(parseTmpfs)]) {
    if (mounts.has(mount.target))
      throw new LadingError('USAGE', `Duplicate mount point: ${visible(mount.target)}`)
    mounts.set(mount.target, mount)
  }
  for (const path of given.imageVolumes) {
    const target = posix.resolve('/', path)
    if (target !== '/' && !mounts.has(target)) mounts.set(target, anonymousVolume(target, false))
  }
  return [...mounts.values()].sort((a, b) => depthOf(a.target) - depthOf(b.target))
}

const depthOf = (path: string): number => path.split('/').length

const anonymousVolume = (target: string, readonly: boolean): MountSettings => ({
  type: 'volume',
  volume: randomBytes(32).toString('hex'),
  target,
  readonly,
})

/** A volume that goes with its container. */
export const isAnonymousVolume = (volume: string): boolean => /^[0-9a-f]{64}$/.test(volume)

/** Modes that docker takes besides: how mounts spread, which here they never do, and labels of SELinux. */
const idleModes = ['rw', 'z', 'Z', 'nocopy', 'rprivate', 'private', 'cached', 'consistent', 'delegated']

/** `[SOURCE:]TARGET[:MODE,…]` (moby volume/mounts, linux parser). */
const parseVolume = (text: string): MountSettings => {
  const wrong = (problem: string) => badFlag('-v, --volume', text, problem)
  const parts = text.split(':')
  if (parts.length > 3 || parts.some(part => part === ''))
    throw wrong(`invalid volume specification: '${text}'`)
  const [source, path, modes = ''] = parts.length === 1 ? [undefined, parts[0]!] : (parts as [string, string])
  const words = (parts[2] ?? modes).split(',').filter(word => word !== '')
  const unknown = words.find(word => word !== 'ro' && !idleModes.includes(word))
  if (unknown !== undefined) throw wrong(`invalid mode: ${unknown}`)
  const target = checkTarget(path, wrong)
  const readonly = words.includes('ro')
  if (source === undefined) return anonymousVolume(target, readonly)
  if (source.startsWith('/') || /^\.{1,2}(\/|$)/.test(source))
    return { type: 'bind', source: resolve(source), target, readonly }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(source))
    throw wrong(
      `"${source}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    )
  return { type: 'volume', volume: source, target, readonly }
}

/** `TARGET[:OPTIONS]`. */
const parseTmpfs = (text: string): MountSettings => {
  const colon = text.indexOf(':')
  const target = colon < 0 ? text : text.slice(0, colon)
  const options = colon < 0 ? '' : text.slice(colon + 1)
  parseTmpfsOptions(options)
  return { type: 'tmpfs', target: checkTarget(target, problem => badFlag('--tmpfs', text, problem)), options }
}

const checkTarget = (path: string, wrong: (problem: string) => LadingError): string => {
  if (!path.startsWith('/')) throw wrong(`invalid mount path: '${path}' mount path must be absolute`)
  const target = posix.normalize(path).replace(/(.)\/$/, '$1')
  if (target === '/') throw wrong(`invalid specification: destination can't be '/'`)
  return target
}
