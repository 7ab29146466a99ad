import type { JsonObject } from '../spec/json.js'

/**
 * What a container is to be: made once of the image's config and the user's flags (container/merge.ts), kept in
 * its record, never changed. Everything that sets up containers reads this and nothing else. Plain JSON values.
 */

export interface ContainerSettings {
  /** 64 hex digits. */
  readonly id: string
  readonly name: string
  /** RFC 3339. */
  readonly created: string
  readonly image: ImageOfContainer
  readonly process: ProcessSettings
  /** The image's config with the user's flags over it, as Docker keeps it of a container: what `commit` begins with. */
  readonly config: JsonObject
  readonly hostname: string
  readonly network: NetworkSettings
  /** In the order of their targets' depth. */
  readonly mounts: readonly MountSettings[]
  readonly resources: Resources
  /** `kind`: what the user asked for; absent: the best that the kernel can do. */
  readonly rootfs: { readonly kind?: RootfsKind; readonly readonly: boolean }
  readonly labels: Readonly<Record<string, string>>
  /** Lines for /etc/hosts besides its own: `IP NAME`. */
  readonly extraHosts: readonly (readonly [ip: string, name: string])[]
  readonly dns?: readonly string[]
  readonly autoRemove: boolean
  readonly runtime: 'launcher' | 'runc' | 'crun'
}

export interface ImageOfContainer {
  /** As the user wrote it: a name, an ID, a path of an archive. */
  readonly reference: string
  /** The place that holds it: `store:…`, `docker-archive:/…`; what create opens again when it starts. */
  readonly place: string
  readonly manifest: string
  /** The config's digest: the image ID. */
  readonly id: string
}

export interface ProcessSettings {
  readonly args: readonly string[]
  /** `NAME=value`, complete: PATH, HOSTNAME, TERM and HOME too. */
  readonly env: readonly string[]
  readonly cwd: string
  /** As in the config: `user|uid[:group|gid]`, '' for root; resolved in the root file system at start. */
  readonly user: string
  readonly groups: readonly string[]
  readonly terminal: boolean
  readonly openStdin: boolean
  readonly init: boolean
  /** A name without SIG, or a number: `TERM`. */
  readonly stopSignal: string
  /** Seconds; −1 for ever. */
  readonly stopTimeout: number
  /** Without CAP_, lower case: `net_raw`. */
  readonly capabilities: readonly string[]
  readonly noNewPrivileges: boolean
  /** `profile`: what a file of docker's format says. */
  readonly seccomp: 'default' | 'unconfined' | { readonly profile: JsonObject }
  readonly privileged: boolean
  readonly rlimits: readonly { readonly name: string; readonly soft: number; readonly hard: number }[]
}

export interface NetworkSettings {
  readonly mode: 'bridge' | 'none' | 'host'
  readonly ports: readonly PublishedPort[]
}

export interface PublishedPort {
  readonly hostIp: string
  /** 0: any that is free. */
  readonly hostPort: number
  readonly containerPort: number
  readonly protocol: 'tcp' | 'udp'
}

export type MountSettings =
  | { readonly type: 'bind'; readonly source: string; readonly target: string; readonly readonly: boolean }
  /** A named or anonymous volume: a folder of lading's own that outlives containers. */
  | { readonly type: 'volume'; readonly volume: string; readonly target: string; readonly readonly: boolean }
  | { readonly type: 'tmpfs'; readonly target: string; readonly options: string }

/** 0 or absent: no limit. */
export interface Resources {
  /** Bytes. */
  readonly memory?: number
  /** Bytes of memory and swap together; −1 for no limit of its own. */
  readonly memorySwap?: number
  /** Billionths of a processor. */
  readonly nanoCpus?: number
  readonly cpuShares?: number
  /** `0-1,3`. */
  readonly cpusetCpus?: string
  readonly pids?: number
}

export type RootfsKind = 'erofs' | 'overlay' | 'copy'
