import { constants } from 'node:fs'
import type { GroupEntry, Hierarchy } from '../cgroup/control-group.js'
import { namespaces } from './monitor-steps.js'
import { attachAndClose, attachMount, attributes, makeMount, restrictMountAt, safe } from './mount-steps.js'
import type { ProgramStep, Slot } from './program.js'
import { call, close, closeOnExec, here, type Names, open } from './steps.js'

/**
 * Open the doors of a container's groups; needed while the host's files are still to be seen. Of version 1 it is the door
 * for single threads: a program of ours is one, and moving itself as such takes 0.05 ms. Through `cgroup.procs` the kernel
 * waits 5 to 15 ms for every processor to notice (since Linux 5.5: kernel/cgroup/cgroup.c, cgroup_procs_write_start).
 */
export const openGroups = (
  entry: GroupEntry,
  names: Names,
): { readonly doors: readonly Slot[]; readonly steps: readonly ProgramStep[] } => {
  const paths =
    entry.version === 1
      ? entry.folders.map(folder => `${folder}/tasks`)
      : entry.version === 2
        ? [`${entry.folder}/cgroup.procs`]
        : []
  const opened = paths.map(path => ({ door: names.slot(), path }))
  return {
    doors: opened.map(({ door }) => door),
    steps: opened.map(({ door, path }) =>
      open(`open ${path}`, here, path, constants.O_WRONLY | closeOnExec, door),
    ),
  }
}

/** Move the running process through the doors. */
export const enterGroups = (doors: readonly Slot[]): readonly ProgramStep[] =>
  doors.flatMap((door, index) => [
    // 0 is whoever writes.
    call(`enter control group ${index + 1} of ${doors.length}`, 'write', [door, '0', 1]),
    close(door),
  ])

/** What the first process of a container does about its groups: enter, and make them the root of what it sees. */
export const enterOwnGroup = (doors: readonly Slot[]): readonly ProgramStep[] => [
  ...enterGroups(doors),
  call('make a namespace of control groups', 'unshare', [namespaces.cgroup]),
]

const path = '/sys/fs/cgroup'

/** /sys/fs/cgroup as the container sees it: its own groups, not to be changed unless it is privileged. */
export const mountGroups = (
  entry: GroupEntry,
  options: { readonly sys: Slot; readonly writable: boolean },
  names: Names,
): readonly ProgramStep[] => {
  if (entry.version === 'none') return []
  const access = options.writable ? 0 : attributes.readonly
  const mount = names.slot()
  if (entry.version === 2)
    return [
      ...makeMount(path, { type: 'cgroup2', source: 'cgroup', attributes: safe | access }, mount),
      ...attachAndClose(`attach cgroup2 at ${path}`, mount, { folder: options.sys, path: 'fs/cgroup' }),
    ]
  const tmpfs = { type: 'tmpfs', source: 'tmpfs', options: { mode: '755' }, attributes: safe }
  return [
    ...makeMount(path, tmpfs, mount),
    attachMount(`attach tmpfs at ${path}`, mount, { folder: options.sys, path: 'fs/cgroup' }),
    ...entry.hierarchies.flatMap(hierarchy => mountHierarchy(hierarchy, mount, access, names)),
    ...(options.writable ? [] : [restrictMountAt(`make ${path} read-only`, path, attributes.readonly)]),
  ]
}

const mountHierarchy = (
  { name, options }: Hierarchy,
  parent: Slot,
  access: number,
  names: Names,
): readonly ProgramStep[] => {
  const mount = names.slot()
  const at = `${path}/${name}`
  const parsed = Object.fromEntries(
    options.flatMap(option =>
      option.startsWith('name=')
        ? [
            ['none', true as const],
            ['name', option.slice('name='.length)],
          ]
        : [[option, true as const]],
    ),
  )
  return [
    call(`make ${at}`, 'mkdirat', [parent, name, 0o755]),
    ...makeMount(at, { type: 'cgroup', source: 'cgroup', options: parsed, attributes: safe | access }, mount),
    ...attachAndClose(`attach cgroup at ${at}`, mount, { folder: parent, path: name }),
    // cpu and cpuacct, which programs look for, where one folder is both.
    ...(options.length > 1
      ? options.map(option => call(`link ${path}/${option}`, 'symlinkat', [name, parent, option]))
      : []),
  ]
}
