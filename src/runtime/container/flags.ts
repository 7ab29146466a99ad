/**
 * What a user says about a container, as the command line has it: words, not yet understood. merge.ts makes
 * settings of it and of the image's config. All of it is optional; a list may be empty.
 */
export interface ContainerFlags {
  /** What follows the image: the program's arguments, or the program. */
  readonly command?: readonly string[]
  /** '' takes the image's away. */
  readonly entrypoint?: string
  readonly name?: string
  /** `NAME=value`, or `NAME` for the value that it has here. */
  readonly env?: readonly string[]
  /** Files with a line of `env` each. */
  readonly envFile?: readonly string[]
  readonly user?: string
  readonly groupAdd?: readonly string[]
  readonly workdir?: string
  readonly hostname?: string
  readonly interactive?: boolean
  readonly tty?: boolean
  readonly rm?: boolean
  readonly init?: boolean
  readonly readOnly?: boolean
  readonly privileged?: boolean
  /** `bridge`, `none` or `host`. */
  readonly network?: string
  /** `[[HOST-IP:]HOST-PORT:]CONTAINER-PORT[/PROTOCOL]`, ports also as ranges. */
  readonly publish?: readonly string[]
  /** Every port that the image exposes, on one that is free. */
  readonly publishAll?: boolean
  /** `NAME:IP`. */
  readonly addHost?: readonly string[]
  readonly dns?: readonly string[]
  /** `[SOURCE:]TARGET[:ro]`; a source with a slash is a path, else a named volume. */
  readonly volume?: readonly string[]
  /** `TARGET[:OPTIONS]`. */
  readonly tmpfs?: readonly string[]
  readonly memory?: string
  readonly memorySwap?: string
  readonly cpus?: string
  readonly cpuShares?: string
  readonly cpusetCpus?: string
  readonly pidsLimit?: string
  readonly capAdd?: readonly string[]
  readonly capDrop?: readonly string[]
  readonly securityOpt?: readonly string[]
  /** `NAME=SOFT[:HARD]`. */
  readonly ulimit?: readonly string[]
  readonly stopSignal?: string
  /** Seconds. */
  readonly stopTimeout?: string
  /** `NAME=value` or `NAME`. */
  readonly label?: readonly string[]
  readonly runtime?: string
  readonly rootfs?: string
}
