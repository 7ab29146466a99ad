/**
 * The set-up of a container as a list of named steps: system calls with arguments that are known beforehand, and
 * a few jumps. It is plain data: it can be printed (explain.ts), checked, and encoded as a small static program
 * for x86-64 or arm64 (encode.ts), so that no compiler, add-on or foreign binary takes part in making a
 * container. Node could make none of these calls itself: a process with threads may not unshare or fork.
 */

/** A place for one 64-bit number of the running program: a result, a process number, a wait status. */
export interface Slot {
  readonly slot: number
}

/** Where a step may go to; it stands in the list before the step that it names. */
export interface Label {
  readonly label: string
}

/** An argument of a system call. */
export type Value =
  /** As it is; negative numbers as two's complement. */
  | number
  | bigint
  /** Address of the text, ended by a NUL. Bytes that are no UTF-8 are given as a Buffer that ends in one. */
  | string
  /** Address of these bytes, which the program may write to: what a call fills in starts as what is here. */
  | Uint8Array
  /** The number that is in a slot, or the slot's address. */
  | Slot
  | { readonly addressOf: Slot }
  /** Address of an array of addresses, ended by 0: argv, envp. */
  | { readonly vector: readonly string[] }
  /** Address of a structure that holds addresses: bytes, with values to be put over them at offsets. */
  | { readonly struct: Uint8Array; readonly pointers: readonly { readonly at: number; readonly to: Value }[] }

/** One system call. */
export interface CallStep {
  readonly kind: 'call'
  /** What it is for, as an error says it: `mount proc on /proc`. */
  readonly name: string
  /** By its name on Linux: `mount`; encode.ts knows the numbers. Only calls that x86-64 and arm64 both have. */
  readonly call: string
  readonly args: readonly Value[]
  /** What an error means: the end of all (absent), nothing, or that another step is next. */
  readonly onError?: 'ignore' | Label
  /** Where the result goes, an error as −errno. */
  readonly save?: Slot
  /** Go there when the result is 0, when it is more than 0: what clone gives the child and the parent. */
  readonly ifZero?: Label
  readonly ifPositive?: Label
}

/** What is no single call. */
export type ProgramStep =
  | CallStep
  | ({ readonly kind: 'label' } & Label)
  | { readonly kind: 'goto'; readonly to: Label }
  /** End with the exit status that a wait status in `status` means: its code, or 128 + the signal. */
  | { readonly kind: 'exit-as'; readonly name: string; readonly status: Slot }
  /**
   * Be an init: hand every signal that comes to the process in `child`, reap whatever ends, and end with the
   * child's status (as exit-as does) when it does. All signals have been blocked by the steps before.
   */
  | { readonly kind: 'init'; readonly name: string; readonly child: Slot; readonly status: Slot }
  /** End with this status. */
  | { readonly kind: 'exit'; readonly status: number }
  /** Fail, as a call with this name would: the lower 32 bits of `error` are −errno, which some other call wrote there. */
  | { readonly kind: 'fail'; readonly name: string; readonly error: Slot }

export type Program = readonly ProgramStep[]

/** Descriptors that a launched program has besides its stdio: what the launching process says, and what it is told. */
export const launcherFds = { orders: 3, reports: 4 } as const
