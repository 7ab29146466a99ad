import type { GroupEntry } from '../cgroup/control-group.js'
import type { ResolvedUser } from '../users.js'
import type { DeviceNode } from './devices.js'
import type { MachineName } from './every-system-call.js'
import type { Mask } from './masks.js'
import type { ProgramStep } from './program.js'
import type { Limit } from './rlimits.js'

/**
 * What was looked up or made for one start of a container, besides its settings: the launcher's programs are
 * computed from the two alone.
 */
export interface Prepared {
  readonly machine: MachineName
  /** An absolute, empty folder of the host, and the steps that mount the root file system there (Rootfs.steps). */
  readonly root: {
    readonly folder: string
    readonly steps: readonly ProgramStep[]
    /** Whether the steps mount block devices, which a control group's device filter forbids. */
    readonly fromDevices?: boolean
  }
  readonly cgroup: GroupEntry
  readonly user: ResolvedUser
  /** Binds and volumes of the settings, with what their sources are; tmpfs mounts are in the settings. */
  readonly binds: readonly Bind[]
  /** Files of the host that are put over those of the image: /etc/hosts, /etc/hostname, /etc/resolv.conf. */
  readonly files: readonly { readonly source: string; readonly target: string }[]
  readonly network: PreparedNetwork
  readonly limits: readonly Limit[]
  /** The capabilities that this process has, and so could give: a mask. */
  readonly capabilities: bigint
  /** Lading runs as root of a user namespace only, in which the container is too: it makes no devices. */
  readonly rootless: boolean
  /** The container outlives the process that launches it. */
  readonly detached: boolean
  /** Of the host's processors, see masks.ts. */
  readonly masks: readonly Mask[]
  /** For a privileged container, see devices.ts. */
  readonly hostDevices: readonly DeviceNode[]
}

export interface Bind {
  /** Absolute, on the host. */
  readonly source: string
  /** Absolute, in the container. */
  readonly target: string
  readonly readonly: boolean
  /** What the source is, which the target is made like. */
  readonly is: 'folder' | 'file'
}

export interface PreparedNetwork {
  /** Hold on until the host's part is done: one byte on the orders descriptor. */
  readonly wait: boolean
  /** rtnetlink requests to send inside then, in their order, and what each is for. */
  readonly messages: readonly { readonly name: string; readonly bytes: Uint8Array }[]
  /** Steps that follow the messages: those that read more of the order and carry it out. */
  readonly inside?: readonly ProgramStep[]
}

/**
 * What the launching process and the program say to each other while a container starts.
 *
 * Reports: first the number of the container's process as the host counts, last its wait status (wait(2)). With a
 * terminal, in between, the descriptor under which that process holds its devpts. A negative report may come at
 * any time between: the program could not be run, −errno; exit status 127 or 126 follows.
 *
 * Orders, in this order, those that apply: one byte when the host's part of the network is done (with a terminal always); `terminalOrderLength` bytes with the name of the
 * terminal in devpts, filled up with NUL bytes.
 */
export const terminalOrderLength = 16
