import type { ContainerSettings } from '../settings.js'
import { makeFolders, overmountSteps } from './bind-steps.js'
import { enterOwnGroup, mountGroups, openGroups } from './cgroup-steps.js'
import { cloneHostDevices, devSteps } from './dev-steps.js'
import { attachKernelMount, makeKernelMounts, maskSteps, networkSysctls } from './kernel-steps.js'
import {
  cloneSteps,
  dieWithParent,
  firstSteps,
  monitorSteps,
  namespaces,
  waitForOrder,
} from './monitor-steps.js'
import { attributes, restrictMountAt } from './mount-steps.js'
import { loopbackSteps, netlinkSteps } from './network-steps.js'
import type { Prepared } from './prepared.js'
import { planProcess } from './process-plan.js'
import { processSteps } from './process-steps.js'
import type { Program, ProgramStep } from './program.js'
import { call, label, Names } from './steps.js'
import { terminalSteps } from './terminal-steps.js'

/**
 * The whole set-up of a container, from the monitor's first step to the user's program.
 *
 * The order is what keeps a hostile image out of it. While the host's files are to be seen, nothing of the image
 * is looked at: sources are opened, /proc and /sys made. Then the root is changed and the host's tree let go. Only
 * now are paths of the image used, in which links can lead nowhere but into the image. /proc comes last, so that
 * until then no path leads to a descriptor of this process; and what is masked is found from the root of the mount
 * itself, whatever lies at the path.
 *
 * Throws USAGE for settings that make no sense. Nothing is done here: launch.ts does it.
 */
export const containerSteps = (settings: ContainerSettings, prepared: Prepared): Program => {
  const names = new Names()
  const pid = names.slot()
  const child = names.label('the container')
  return [
    ...firstSteps(prepared.detached),
    ...cloneSteps(
      {
        namespaces: namespacesOf(settings),
        cgroup: prepared.cgroup,
        enter: !entersLater(prepared),
      },
      child,
      pid,
      names,
    ),
    ...monitorSteps(pid, names),
    label(child),
    ...(prepared.detached ? [] : [dieWithParent()]),
    call('forget the session keyring', 'keyctl', [joinSessionKeyring, 0], { onError: 'ignore' }),
    ...fileSteps(settings, prepared, names),
    ...processSteps(planProcess(settings.process, prepared), names),
  ]
}

const joinSessionKeyring = 1

/**
 * Whether the group is entered only when the root file system is mounted: in version 1 always, in version 2, where being started
 * inside is faster, only if it is mounted from devices, which the group's device filter forbids.
 */
const entersLater = ({ cgroup, root }: Prepared): boolean => cgroup.version === 1 || root.fromDevices === true

const namespacesOf = (settings: ContainerSettings): number =>
  namespaces.mount |
  namespaces.uts |
  namespaces.ipc |
  namespaces.pid |
  (settings.network.mode === 'host' ? 0 : namespaces.network)

const [recursive, isPrivate, detach] = [0x4000, 0x4_0000, 2]

const fileSteps = (settings: ContainerSettings, prepared: Prepared, names: Names): readonly ProgramStep[] => {
  const { privileged, terminal, cwd } = settings.process
  const ownNetwork = settings.network.mode !== 'host'
  const [proc, sys] = [names.slot(), names.slot()]
  const { clones, steps: cloneDevices } = cloneHostDevices(prepared.rootless, names)
  const overmounts = overmountSteps(overmountsOf(settings, prepared), names)
  const hostDevices = privileged && !prepared.rootless ? prepared.hostDevices : []
  const { dev, steps: makeDev } = devSteps({ clones, hostDevices }, names)
  const { root } = prepared
  const groups = entersLater(prepared) ? openGroups(prepared.cgroup, names) : { doors: [], steps: [] }
  return [
    ...groups.steps,
    // Nothing that is mounted from here on shows on the host.
    call('make all mounts private', 'mount', [0, '/', 0, recursive | isPrivate, 0]),
    ...cloneDevices,
    ...overmounts.outside,
    ...makeKernelMounts({ proc, sys, privileged, hostSys: prepared.rootless && !ownNetwork }),
    ...root.steps,
    ...enterOwnGroup(groups.doors),

    call(`go to ${root.folder}`, 'chdir', [root.folder]),
    call('change the root', 'pivot_root', ['.', '.']),
    call("let go of the host's files", 'umount2', ['.', detach]),
    call('go to the root', 'chdir', ['/']),

    call('clear the umask', 'umask', [0]),
    ...makeDev,
    ...attachKernelMount('/sys', sys, names),
    ...mountGroups(prepared.cgroup, { sys, writable: privileged }, names),
    ...overmounts.inside,
    ...makeFolders(cwd),
    ...attachKernelMount('/proc', proc, names),

    call('set the host name', 'sethostname', [settings.hostname, Buffer.byteLength(settings.hostname)]),
    ...(ownNetwork ? [...loopbackSteps(names), ...networkSysctls(proc, names)] : []),
    ...(privileged ? [] : maskSteps({ proc, sys, null: dev.null, more: prepared.masks }, names)),
    ...(prepared.network.wait || terminal
      ? waitForOrder("wait for the host's part of the network", names)
      : []),
    ...netlinkSteps(prepared.network.messages, names),
    ...(prepared.network.inside ?? []),
    ...(terminal
      ? terminalSteps({ terminals: dev.terminals, dev: dev.root, uid: prepared.user.uid }, names)
      : []),
    ...(settings.rootfs.readonly
      ? [restrictMountAt('make the root file system read-only', '/', attributes.readonly)]
      : []),
  ]
}

const overmountsOf = (settings: ContainerSettings, prepared: Prepared) => [
  ...prepared.binds.map(bind => ({ kind: 'bind', ...bind }) as const),
  ...settings.mounts.flatMap(mount =>
    mount.type === 'tmpfs' ? [{ kind: 'tmpfs', target: mount.target, options: mount.options } as const] : [],
  ),
  ...prepared.files.map(
    ({ source, target }) =>
      ({
        kind: 'bind',
        source,
        target,
        readonly: settings.rootfs.readonly,
        is: 'file',
        replaceLink: true,
      }) as const,
  ),
]
