import { attributes } from '../launcher/mount-steps.js'
import type { Prepared } from '../launcher/prepared.js'
import { parseTmpfsOptions } from '../launcher/tmpfs-options.js'
import type { ContainerSettings } from '../settings.js'

/** A mount of config.json: runtime-spec config.md, "Mounts". */
export interface BundleMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

const safe = ['nosuid', 'noexec', 'nodev']

/** Kernel file systems, then what the user mounts and the files of /etc, the shallow ones first: as container-steps.ts. */
export const bundleMounts = (settings: ContainerSettings, prepared: Prepared): readonly BundleMount[] => {
  const access = settings.process.privileged ? 'rw' : 'ro'
  const over: readonly BundleMount[] = [
    ...prepared.binds.map(({ source, target, readonly }) => bind(source, target, readonly)),
    ...settings.mounts.flatMap(mount => (mount.type === 'tmpfs' ? [tmpfs(mount)] : [])),
    ...prepared.files.map(({ source, target }) => bind(source, target, settings.rootfs.readonly)),
  ]
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: safe },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...safe, access] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: [...safe, 'mode=1777', 'size=67108864'],
    },
    ...[...over].sort((a, b) => depth(a.destination) - depth(b.destination)),
  ]
}

const depth = (path: string): number => path.split('/').length

const bind = (source: string, destination: string, readonly: boolean): BundleMount => ({
  ...{ destination, type: 'bind', source },
  options: ['rbind', 'rprivate', ...(readonly ? ['ro'] : [])],
})

const tmpfs = (mount: { readonly target: string; readonly options: string }): BundleMount => {
  const { attributes: bits, options } = parseTmpfsOptions(mount.options)
  const words = [
    ...(bits & attributes.noSuid ? ['nosuid'] : []),
    ...(bits & attributes.noDevices ? ['nodev'] : []),
    ...(bits & attributes.noExec ? ['noexec'] : []),
    ...(bits & attributes.readonly ? ['ro'] : []),
  ]
  return {
    destination: mount.target,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...words, ...Object.entries(options).map(([name, value]) => `${name}=${value}`)],
  }
}
