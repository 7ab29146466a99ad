import { constants } from 'node:fs'
import { openOwnFolder } from './dev-steps.js'
import { type Mask, masks, readonlyInProc } from './masks.js'
import {
  attachAndClose,
  attachMount,
  attributes,
  cloneMount,
  makeMount,
  restrictMount,
  safe,
} from './mount-steps.js'
import type { ProgramStep, Slot } from './program.js'
import { call, close, closeOnExec, here, label, type Names, open, place } from './steps.js'

/** /proc and /sys of a container: made, put in their places, and hidden in parts. */

/**
 * Make both while the host's are still to be seen: in a user namespace the kernel allows it only then. They show
 * the namespaces that the process is in. Without a network namespace of one's own, a user namespace gets no sysfs,
 * and so the host's.
 */
export const makeKernelMounts = (options: {
  readonly proc: Slot
  readonly sys: Slot
  readonly privileged: boolean
  readonly hostSys: boolean
}): readonly ProgramStep[] => {
  const access = options.privileged ? 0 : attributes.readonly
  return [
    ...makeMount('/proc', { type: 'proc', source: 'proc', attributes: safe }, options.proc),
    ...(options.hostSys
      ? [
          cloneMount('clone /sys of the host', { folder: here, path: '/sys' }, options.sys),
          restrictMount('make /sys read-only', options.sys, safe | attributes.readonly),
        ]
      : makeMount('/sys', { type: 'sysfs', source: 'sysfs', attributes: safe | access }, options.sys)),
  ]
}

export const attachKernelMount = (
  path: '/proc' | '/sys',
  mount: Slot,
  names: Names,
): readonly ProgramStep[] => {
  const folder = names.slot()
  return [...openOwnFolder(path, folder), attachMount(`attach ${path}`, mount, { folder }), close(folder)]
}

/** Docker's sysctls: in a network namespace of its own anybody may use low ports and ping. */
export const networkSysctls = (proc: Slot, names: Names): readonly ProgramStep[] =>
  [
    ['net/ipv4/ip_unprivileged_port_start', '0'],
    ['net/ipv4/ping_group_range', '0 2147483647'],
  ].flatMap(([path, value]) => {
    const [file, skip] = [names.slot(), names.label(`no ${path}`)]
    return [
      open(`open /proc/sys/${path}`, proc, `sys/${path}`, constants.O_WRONLY | closeOnExec, file, {
        onError: skip,
      }),
      // Refused in a user namespace that does not map every group.
      call(`set ${path}`, 'write', [file, value!, value!.length], { onError: 'ignore' }),
      close(file),
      label(skip),
    ]
  })

/** Hide and protect. Paths start from the mounts' own roots: nothing that lies at /proc can answer for it. */
export const maskSteps = (
  options: {
    readonly proc: Slot
    readonly sys: Slot
    /** /dev/null of the container. */
    readonly null: Slot
    readonly more: readonly Mask[]
  },
  names: Names,
): readonly ProgramStep[] => [
  ...[...masks, ...options.more].flatMap(mask => hide(mask, options[mask.in], options.null, names)),
  ...readonlyInProc.flatMap(path => protect(path, options.proc, names)),
]

const hide = (mask: Mask, root: Slot, nothing: Slot, names: Names): readonly ProgramStep[] => {
  const path = `/${mask.in}/${mask.path}`
  const [at, cover, skip] = [names.slot(), names.slot(), names.label(`no ${path}`)]
  const makeCover =
    mask.is === 'file'
      ? [cloneMount(`clone /dev/null for ${path}`, { folder: nothing, path: '' }, cover)]
      : makeMount(
          path,
          {
            type: 'tmpfs',
            source: 'tmpfs',
            options: { mode: '755' },
            attributes: safe | attributes.readonly,
          },
          cover,
        )
  return [
    // What this kernel does not have needs no mask.
    open(`look for ${path}`, root, mask.path, place | constants.O_NOFOLLOW, at, { onError: skip }),
    ...makeCover,
    ...attachAndClose(`mask ${path}`, cover, { folder: at }),
    close(at),
    label(skip),
  ]
}

const protect = (path: string, proc: Slot, names: Names): readonly ProgramStep[] => {
  const [at, mount, skip] = [names.slot(), names.slot(), names.label(`no /proc/${path}`)]
  return [
    open(`look for /proc/${path}`, proc, path, place | constants.O_NOFOLLOW, at, { onError: skip }),
    cloneMount(`clone /proc/${path}`, { folder: at, path: '' }, mount),
    restrictMount(`make /proc/${path} read-only`, mount, safe | attributes.readonly),
    ...attachAndClose(`protect /proc/${path}`, mount, { folder: at }),
    close(at),
    label(skip),
  ]
}
