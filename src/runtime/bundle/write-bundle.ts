import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { Platform } from '../../spec/platform.js'
import type { ContainerFlags } from '../container/flags.js'
import { type OpenedImage, openImage } from '../container/image.js'
import { merge } from '../container/merge.js'
import { isAnonymousVolume } from '../container/mounts.js'
import { ownAbilities, withHome } from '../container/prepare-start.js'
import { rootFiles } from '../container/root-files.js'
import { bindsOf } from '../container/volumes.js'
import { capabilityMask, capabilityNames } from '../launcher/capabilities.js'
import { findHostDevices } from '../launcher/devices.js'
import { findProcessorMasks } from '../launcher/masks.js'
import type { Prepared } from '../launcher/prepared.js'
import { limitsOf } from '../launcher/rlimits.js'
import { hostnameText, hostsText } from '../network/hosts.js'
import { readHostResolvConf, resolvConfText } from '../network/resolv-conf.js'
import { prepareCopy } from '../rootfs/copy-rootfs.js'
import { removeTree } from '../rootfs/remove-tree.js'
import { isRootless } from '../rootless/is-rootless.js'
import type { ContainerSettings } from '../settings.js'
import { resolveUser } from '../users.js'
import { bundleConfig } from './config.js'

export interface WriteBundleOptions {
  /** Any place that images are read from. */
  readonly reference: string
  readonly storeDirectory: string
  readonly flags: ContainerFlags
  readonly platform?: Platform
  /** A folder that is empty or not there. */
  readonly folder: string
}

/** All that is in a bundle; config.json last: a folder without it is none. */
const names = {
  tree: 'tree',
  rootfs: 'rootfs',
  hosts: 'hosts',
  hostname: 'hostname',
  resolvConf: 'resolv.conf',
}

/**
 * An image as an OCI bundle: `rootfs`, with every layer unpacked; the files of /etc that a runtime mounts over it; and config.json
 * (bundleConfig), which is of this host in its processors' masks and its name servers only. Its network is one of its own without
 * an interface, unless it is the host's. What VOLUME names is an ordinary folder. Whatever fails, the folder is empty.
 *
 * Throws USAGE for what is no setting, CONFLICT for a folder with something in it, UNSUPPORTED for what no bundle can say: named
 * volumes, the bridge, an init; and to an ordinary user, whose files would not belong to those of the image.
 */
export const writeBundle = async (options: WriteBundleOptions): Promise<void> => {
  const { reference, storeDirectory, platform, flags } = options
  if (isRootless())
    throw new LadingError('UNSUPPORTED', 'Cannot write a bundle as an ordinary user: its files have owners')
  const folder = emptyFolder(options.folder)
  await using image = await openImage({ reference, storeDirectory, ...(platform && { platform }) })
  const settings = settingsOf(image, flags, storeDirectory)
  try {
    await prepareCopy(folder, image)
    renameSync(join(folder, names.tree), join(folder, names.rootfs))
    await writeEtc(folder, settings)
    const prepared = await prepare(folder, settings, image)
    const { process } = settings
    const config = bundleConfig(
      { ...settings, process: { ...process, env: withHome(process.env, prepared.user.home) } },
      prepared,
      { rootfs: names.rootfs },
    )
    writeFileSync(join(folder, 'config.json'), `${JSON.stringify(config, null, 2)}\n`, { mode: 0o644 })
  } catch (error) {
    for (const name of Object.values(names)) await removeTree(join(folder, name))
    throw error
  }
}

const emptyFolder = (path: string): string => {
  const folder = resolve(path)
  // The files of the image, setuid ones too, are behind it.
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const [first] = readdirSync(folder)
  if (first === undefined) return folder
  throw new LadingError(
    'CONFLICT',
    `Cannot write a bundle to ${visible(path)}: it holds ${visible(first)}; give a folder that is empty or not there`,
  )
}

/** The ID is the image's: of the same image and flags the same bundle is made. */
const settingsOf = (image: OpenedImage, flags: ContainerFlags, store: string): ContainerSettings => {
  const id = image.described.id.replace(/^sha256:/, '')
  const settings = merge(
    image.image.config.config,
    { network: 'none', ...flags },
    { id, name: 'bundle', created: new Date(0).toISOString(), image: image.described, env: process.env },
  )
  if (settings.network.mode === 'bridge')
    throw new LadingError('UNSUPPORTED', 'A bundle cannot have the bridge: use --network none or host')
  const mounts = settings.mounts.filter(mount => mount.type !== 'volume' || !isAnonymousVolume(mount.volume))
  const named = mounts.find(mount => mount.type === 'volume')
  if (named)
    throw new LadingError(
      'UNSUPPORTED',
      `A bundle cannot have the volume ${named.volume} of ${store}: give a path of the host for ${visible(named.target)}`,
    )
  return { ...settings, mounts }
}

const writeEtc = async (folder: string, settings: ContainerSettings): Promise<void> => {
  const { hostname, extraHosts, dns, network } = settings
  const resolvConf = resolvConfText(readHostResolvConf(), {
    ...{ mode: network.mode },
    ...(dns && { servers: dns }),
  })
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o644 })
  write(names.hosts, hostsText({ hostname, extraHosts }))
  write(names.hostname, hostnameText(hostname))
  write(names.resolvConf, resolvConf)
}

/** Relative paths are those of the bundle. What its runtime may give is for the runtime to say. */
const prepare = async (
  folder: string,
  settings: ContainerSettings,
  image: OpenedImage,
): Promise<Prepared> => {
  const { user, groups, rlimits, privileged } = settings.process
  const tree = join(folder, names.rootfs)
  return {
    machine: process.arch === 'arm64' ? 'arm64' : 'x86-64',
    root: { folder: tree, steps: [] },
    cgroup: { version: 'none' },
    user: await resolveUser(
      user,
      groups,
      rootFiles({ tree }, async () => image),
    ),
    binds: bindsOf({ volumes: '' }, settings),
    files: [
      { source: names.hosts, target: '/etc/hosts' },
      { source: names.hostname, target: '/etc/hostname' },
      { source: names.resolvConf, target: '/etc/resolv.conf' },
    ],
    network: { wait: false, messages: [] },
    limits: limitsOf(rlimits, { ...ownAbilities(), mayRaise: true }),
    capabilities: capabilityMask(capabilityNames),
    rootless: false,
    detached: false,
    masks: privileged ? [] : findProcessorMasks(),
    hostDevices: privileged ? await findHostDevices() : [],
  }
}
