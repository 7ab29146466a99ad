/** The shape of a check: what is done inside of a container, and what has to come of it. */

export const runtimes = ['launcher', 'runc', 'docker'] as const
export type RuntimeName = (typeof runtimes)[number]

export interface Check {
  /** What is looked at, unique. */
  readonly name: string
  /** For the container's shell; what it prints, errors too, is the answer. */
  readonly run: string
  /** Takes from the answer what is about the host, the moment or the container's name. */
  readonly read?: (answer: string, host: Host) => string
  /** The answer of docker with its defaults. */
  readonly expect: string | RegExp
  /** Where another runtime's answer is not docker's. */
  readonly differs?: Partial<Record<Exclude<RuntimeName, 'docker'>, Difference>>
}

export interface Difference {
  readonly expect: string | RegExp
  readonly why: string
}

/** What this host is, which no container should find. */
export interface Host {
  /** `ipc:[4026531839]` for `ipc`. */
  namespace(kind: string): string
  file(path: string): string
}

/** Both of lading's runtimes. */
export const both = (difference: Difference) => ({ launcher: difference, runc: difference })

export const sorted = (answer: string): string => answer.split('\n').sort().join('\n')

/** What a shell says of an attempt: `refused` with the kernel's reason, or `done`. */
export const attempted = (command: string): string => `if ${command}; then echo done; fi`
export const reason = (answer: string): string => (answer.split('\n').at(-1) ?? '').replace(/^.*: /, '')

export const agrees = (answer: string, expect: string | RegExp): boolean =>
  typeof expect === 'string' ? answer === expect : expect.test(answer)
