import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** A device node as a container is to have it. */
export interface DeviceNode {
  /** Below /dev, no leading slash. */
  readonly path: string
  readonly type: 'character' | 'block'
  readonly major: number
  readonly minor: number
  /** Without the type bits. */
  readonly mode: number
}

const everybody = (path: string, major: number, minor: number): DeviceNode => ({
  ...{ path, type: 'character', major, minor, mode: 0o666 },
})

/** What every container has: runtime-spec config-linux.md, "Default Devices". */
export const defaultDevices: readonly DeviceNode[] = [
  everybody('null', 1, 3),
  everybody('zero', 1, 5),
  everybody('full', 1, 7),
  everybody('random', 1, 8),
  everybody('urandom', 1, 9),
  everybody('tty', 5, 0),
]

/** The links in /dev besides: the same document, and what runc has always made. */
export const deviceLinks: readonly (readonly [path: string, target: string])[] = [
  ['ptmx', 'pts/ptmx'],
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
]

/** What a process may do with which devices. Absent numbers: any. */
export interface DeviceRule {
  readonly type: 'character' | 'block'
  readonly major?: number
  readonly minor?: number
  /** Of read, write and mknod. */
  readonly access: string
}

/**
 * What the device filter of a container allows; all else is refused (moby daemon/pkg/oci/defaults.go and what
 * runc adds to it). Any node may be made, which harms nobody as long as it cannot be opened.
 */
export const deviceRules: readonly DeviceRule[] = [
  { type: 'character', access: 'm' },
  { type: 'block', access: 'm' },
  ...defaultDevices.map(({ type, major, minor }) => ({ type, major, minor, access: 'rwm' })),
  // /dev/console, /dev/ptmx, and the terminals of /dev/pts.
  { type: 'character', major: 5, minor: 1, access: 'rwm' },
  { type: 'character', major: 5, minor: 2, access: 'rwm' },
  { type: 'character', major: 136, access: 'rwm' },
]

/** A device's number as mknod(2) takes it: 12 bits of major, 20 of minor, oddly split. */
export const deviceNumber = (major: number, minor: number): number =>
  ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0

/** The host's device nodes, for a privileged container: all below /dev but terminals and what is mounted there. */
export const findHostDevices = async (root = '/dev'): Promise<readonly DeviceNode[]> => {
  const own = new Set(['console', 'ptmx', 'pts', 'shm', 'mqueue', 'fd', 'core'])
  const found: DeviceNode[] = []
  const walk = async (folder: string): Promise<void> => {
    for (const name of await readdir(join(root, folder))) {
      const path = join(folder, name)
      if (own.has(path)) continue
      const stats = await lstat(join(root, path)).catch(() => undefined)
      if (stats?.isDirectory()) await walk(path)
      if (!stats?.isCharacterDevice() && !stats?.isBlockDevice()) continue
      const type = stats.isBlockDevice() ? 'block' : 'character'
      const [major, minor] = [(stats.rdev >> 8) & 0xfff, (stats.rdev & 0xff) | ((stats.rdev >> 12) & 0xfff00)]
      found.push({ path, type, major, minor, mode: stats.mode & 0o777 })
    }
  }
  await walk('')
  return found
}
