import type { Resources } from '../settings.js'

/**
 * Control groups behind one interface, for both versions of them. A container's group is called `lading/ID` from
 * the root of each hierarchy, as Docker's is `docker/ID`.
 */
export interface ControlGroups {
  readonly version: 1 | 2
  /**
   * Make the group of a container and set its limits and its device filter. It is empty until the container's
   * first process enters it by the steps that its `entry` stands for. LOCKED when it is there already.
   */
  make(
    id: string,
    options: { readonly resources: Resources; readonly anyDevice: boolean },
  ): Promise<ControlGroup>
  /** The group of a container, whether it is there or not. */
  find(id: string): ControlGroup
  /** The containers that have a group, the dead ones too: what garbage collection looks through. */
  list(): Promise<readonly string[]>
}

export interface ControlGroup {
  readonly id: string
  /** How a process enters: plain data for the launcher's programs. */
  readonly entry: GroupEntry
  setLimits(resources: Resources): Promise<void>
  /** How many processes the kernel has killed in it for want of memory. */
  memoryKills(): Promise<number>
  /** Stop all its processes where they are; they stand still when this resolves. Idempotent. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  frozen(): Promise<boolean>
  stats(): Promise<GroupStats>
  /** By the host's numbers. */
  processes(): Promise<readonly number[]>
  /** SIGKILL for every process, until there is none; frozen ones too. */
  killAll(): Promise<void>
  /** Remove it with what was made below it; waits for dying processes. Idempotent. LOCKED when they do not end. */
  remove(): Promise<void>
}

/** How the first process of a container enters its group, and what it then sees at /sys/fs/cgroup. */
export type GroupEntry =
  | { readonly version: 'none' }
  | {
      readonly version: 1
      /** Absolute, one for each hierarchy. */
      readonly folders: readonly string[]
      readonly hierarchies: readonly Hierarchy[]
    }
  | { readonly version: 2; readonly folder: string; readonly anyDevice: boolean }

/** A hierarchy of version 1: `cpu,cpuacct` with the options cpu and cpuacct. */
export interface Hierarchy {
  /** Of its folder. */
  readonly name: string
  /** As its mount has them: controllers, or `name=systemd`. */
  readonly options: readonly string[]
}

export interface GroupStats {
  /** Bytes, without file pages that could be dropped at once; as `docker stats` counts. */
  readonly memory: number
  /** Bytes; absent: none. */
  readonly memoryLimit?: number
  /** Nanoseconds of processor time since the start. */
  readonly cpu: number
  readonly processes: number
}
