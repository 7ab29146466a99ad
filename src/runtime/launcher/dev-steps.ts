import { constants } from 'node:fs'
import { type DeviceNode, defaultDevices, deviceLinks, deviceNumber } from './devices.js'
import { attachAndClose, attachMount, attributes, cloneMount, makeMount, safe } from './mount-steps.js'
import type { ProgramStep, Slot } from './program.js'
import { call, close, fileKinds, folderItself, here, type Names, open, place } from './steps.js'

/** What later steps need of /dev, by descriptors. */
export interface Dev {
  readonly root: Slot
  readonly terminals: Slot
  /** /dev/null as we made it, for masking (CVE-2025-31133). */
  readonly null: Slot
}

/**
 * Open a folder of the root file system, made if missing. Where the image has a symbolic link or a file instead,
 * the set-up fails here: kernel file systems are mounted on ordinary folders only (CVE-2019-19921).
 */
export const openOwnFolder = (path: string, save: Slot): readonly ProgramStep[] => [
  call(`make ${path}`, 'mkdirat', [here, path, 0o755], { onError: 'ignore' }),
  open(`open ${path}, which must be a folder and no link`, here, path, folderItself, save),
]

/**
 * In a user namespace nodes cannot be made: the host's are cloned, by steps that must run while the host's files
 * are still to be seen.
 */
export const cloneHostDevices = (
  rootless: boolean,
  names: Names,
): { readonly clones: ReadonlyMap<string, Slot>; readonly steps: readonly ProgramStep[] } => {
  const clones = new Map(rootless ? defaultDevices.map(({ path }) => [path, names.slot()]) : [])
  return {
    clones,
    steps: [...clones].map(([path, slot]) =>
      cloneMount(`clone /dev/${path} of the host`, { folder: here, path: `/dev/${path}` }, slot),
    ),
  }
}

/**
 * A fresh /dev: nodes, links, terminals of its own, message queues, shared memory (moby daemon/pkg/oci). The umask
 * is 0.
 */
export const devSteps = (
  options: {
    readonly clones: ReadonlyMap<string, Slot>
    readonly hostDevices: readonly DeviceNode[]
  },
  names: Names,
): { readonly dev: Dev; readonly steps: readonly ProgramStep[] } => {
  const dev: Dev = { root: names.slot(), terminals: names.slot(), null: names.slot() }
  const folder = names.slot()
  const taken = new Set(defaultDevices.map(({ path }) => path))
  const more = options.hostDevices.filter(({ path }) => !taken.has(path))
  const parents = new Set(more.flatMap(({ path }) => parentsOf(path)))
  const steps: readonly ProgramStep[] = [
    ...openOwnFolder('/dev', folder),
    ...makeMount(
      '/dev',
      {
        type: 'tmpfs',
        source: 'tmpfs',
        options: { mode: '755', size: '65536k' },
        attributes: attributes.noSuid | attributes.strictAtime,
      },
      dev.root,
    ),
    attachMount('attach tmpfs at /dev', dev.root, { folder }),
    close(folder),
    ...['pts', 'shm', 'mqueue', ...parents].map(name =>
      call(`make /dev/${name}`, 'mkdirat', [dev.root, name, 0o755]),
    ),
    ...[...defaultDevices, ...more].flatMap(node => nodeSteps(node, dev.root, options.clones.get(node.path))),
    ...deviceLinks.map(([path, target]) => call(`link /dev/${path}`, 'symlinkat', [target, dev.root, path])),
    open('open /dev/null', dev.root, 'null', place | constants.O_NOFOLLOW, dev.null),
    ...makeMount(
      '/dev/pts',
      {
        type: 'devpts',
        source: 'devpts',
        options: { ptmxmode: '0666', mode: '0620', gid: '5' },
        attributes: attributes.noSuid | attributes.noExec,
      },
      dev.terminals,
    ),
    attachMount('attach devpts at /dev/pts', dev.terminals, { folder: dev.root, path: 'pts' }),
    ...below(dev.root, 'mqueue', 'mqueue', 'mqueue', {}, names),
    ...below(dev.root, 'shm', 'tmpfs', 'shm', { mode: '1777', size: '67108864' }, names),
  ]
  return { dev, steps }
}

const below = (
  root: Slot,
  path: string,
  type: string,
  source: string,
  options: Readonly<Record<string, string>>,
  names: Names,
): readonly ProgramStep[] => {
  const mount = names.slot()
  return [
    ...makeMount(`/dev/${path}`, { type, source, options, attributes: safe }, mount),
    ...attachAndClose(`attach ${type} at /dev/${path}`, mount, { folder: root, path }),
  ]
}

const nodeSteps = (node: DeviceNode, root: Slot, clone: Slot | undefined): readonly ProgramStep[] => {
  const { path, type, major, minor, mode } = node
  const make = `make /dev/${path}`
  if (!clone) return [call(make, 'mknodat', [root, path, fileKinds[type] | mode, deviceNumber(major, minor)])]
  return [
    call(make, 'mknodat', [root, path, fileKinds.regular | mode, 0]),
    ...attachAndClose(`attach the host's /dev/${path}`, clone, { folder: root, path }),
  ]
}

/** `a`, `a/b` of `a/b/c`. */
const parentsOf = (path: string): readonly string[] => {
  const parts = path.split('/')
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))
}
