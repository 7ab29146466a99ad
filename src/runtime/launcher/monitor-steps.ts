import type { GroupEntry } from '../cgroup/control-group.js'
import { deviceFilter } from './device-filter.js'
import { deviceRules } from './devices.js'
import { type Label, launcherFds, type ProgramStep, type Slot } from './program.js'
import { call, closeOnExec, here, label, type Names, words32, words64 } from './steps.js'

/** CLONE_NEW* of linux/sched.h. */
export const namespaces = {
  mount: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  network: 0x4000_0000,
} as const

const sigchld = 17
const sigkill = 9
const setParentDeathSignal = 1
const everySignal = words64(-1)

/** The kernel kills this process when the one that started it ends. Lost at a change of user. */
export const dieWithParent = (): ProgramStep =>
  call('die with the launching process', 'prctl', [setParentDeathSignal, sigkill, 0, 0, 0])

/** What a launched program does before anything else. */
export const firstSteps = (detached: boolean): readonly ProgramStep[] => [
  // Whatever the launching process had open and did not mean to pass (CVE-2024-21626).
  call('close what was inherited', 'close_range', [launcherFds.reports + 1, 0xffff_ffff, 0]),
  // A signal must not end the monitor before it has told how the container ended.
  call('block signals', 'rt_sigprocmask', [0, everySignal, 0, 8]),
  ...(detached ? [] : [dieWithParent()]),
  // A container that names /proc/self/exe as its program would run this one as its own, which it could read then (CVE-2019-5736).
  call('forbid running this program again', 'fchmodat', [here, '/proc/self/exe', 0]),
]

/** Free at the start: the descriptors after the two that the launching process gives. */
const fixed = { group: 9, filter: 10 } as const

const cgroupDevice = 6
const programType = 15
const bpf = { load: 5, attach: 8 } as const
const allowMulti = 2
const cloneIntoCgroup = 0x2_0000_0000n

/**
 * Start the process that becomes the container, in new namespaces; go on there at `child`. In version 2 of control
 * groups it starts inside its group, which spares the wait that moving it costs.
 */
export const cloneSteps = (
  options: { readonly namespaces: number; readonly cgroup: GroupEntry; readonly enter: boolean },
  child: Label,
  pid: Slot,
  names: Names,
): readonly ProgramStep[] => {
  const { cgroup } = options
  const flags = BigInt(options.namespaces)
  const filter = cgroup.version === 2 && !cgroup.anyDevice ? filterSteps(names) : []
  if (cgroup.version !== 2 || !options.enter)
    return [
      ...(cgroup.version === 2 ? openAs(cgroup.folder, fixed.group, names) : []),
      ...filter,
      call('start the process of the container', 'clone', [flags | BigInt(sigchld), 0, 0, 0, 0], {
        save: pid,
        ifZero: child,
      }),
    ]
  // struct clone_args: flags, …, exit_signal at 32, …, cgroup at 80.
  const args = words64(flags | cloneIntoCgroup, 0, 0, 0, sigchld, 0, 0, 0, 0, 0, fixed.group)
  return [
    ...openAs(cgroup.folder, fixed.group, names),
    ...filter,
    call('start the process of the container', 'clone3', [args, args.length], { save: pid, ifZero: child }),
  ]
}

const openAs = (folder: string, descriptor: number, names: Names): readonly ProgramStep[] => {
  const opened = names.slot()
  return [
    call(`open ${folder}`, 'openat', [here, folder, closeOnExec, 0], { save: opened }),
    call(`keep ${folder} open`, 'dup3', [opened, descriptor, closeOnExec]),
  ]
}

const filterSteps = (names: Names): readonly ProgramStep[] => {
  const loaded = names.slot()
  const filter = deviceFilter(deviceRules)
  const attributes = Buffer.alloc(120)
  attributes.set(words32(programType, filter.length / 8), 0)
  const attach = words32(fixed.group, fixed.filter, cgroupDevice, allowMulti)
  const pointers = [
    { at: 8, to: filter },
    { at: 16, to: 'GPL' },
  ] as const
  return [
    call('load the device filter', 'bpf', [bpf.load, { struct: attributes, pointers }, attributes.length], {
      save: loaded,
    }),
    call('keep the device filter', 'dup3', [loaded, fixed.filter, closeOnExec]),
    call('attach the device filter', 'bpf', [bpf.attach, attach, attach.length]),
  ]
}

/**
 * The monitor: say the container's number, hold nothing that could keep a pipe open, wait, say how it ended, end
 * alike.
 */
export const monitorSteps = (pid: Slot, names: Names): readonly ProgramStep[] => {
  const status = names.slot()
  return [
    report('report the process of the container', pid),
    // Its end of the orders, so that the container can tell when the launching process is gone.
    call('close the standard streams and orders', 'close_range', [0, launcherFds.orders, 0]),
    call('wait for the container', 'wait4', [pid, { addressOf: status }, 0, 0]),
    { ...report('report the end of the container', status), onError: 'ignore' },
    { kind: 'exit-as', name: 'end as the container did', status },
  ]
}

export const report = (name: string, slot: Slot) =>
  call(name, 'write', [launcherFds.reports, { addressOf: slot }, 8])

/** Hold on until the launching process says a byte; when it is gone instead, end. */
export const waitForOrder = (name: string, names: Names): readonly ProgramStep[] => {
  const [go, gone] = [names.label('go on'), names.label('the launching process is gone')]
  return [
    call(name, 'read', [launcherFds.orders, new Uint8Array(1), 1], { ifZero: gone, ifPositive: go }),
    label(gone),
    { kind: 'exit', status: 125 },
    label(go),
  ]
}
