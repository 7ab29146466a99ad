/** The shape of a case: what is done with docker and with lading alike, and what comes of it. */

/** Settings of an image, as its config has them; its files are those of a small busybox system. */
export interface ImageSettings {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly User?: string
  readonly WorkingDir?: string
  readonly Volumes?: Readonly<Record<string, Readonly<Record<string, never>>>>
  readonly Labels?: Readonly<Record<string, string>>
  readonly StopSignal?: string
}

/**
 * One thing that is done, in order. A text is a command line of either program, its words divided and quoted as a shell does,
 * without an expansion; `IMAGE` is the case's image, `NAME` and `OTHER` are names of its own for containers, `DIR` is a folder of
 * its own on the host. Beginning with `- ` it only prepares: it has to succeed, and what it says is not looked at. Beginning with
 * `$ ` it is a command for the host's shell, `DIR` being where it is run.
 */
export type Step =
  | string
  /** With this on its standard input. */
  | { readonly run: string; readonly input: string }
  /** On a terminal: each text is typed when the one before it has shown. */
  | { readonly run: string; readonly types: readonly (readonly [shown: string, typed: string])[] }
  /** In the background of the steps that follow; what comes of it is looked at where `end` is. */
  | { readonly start: string }
  /** Send a signal to what was started, or wait for its end. */
  | { readonly signal: NodeJS.Signals }
  | { readonly end: true }
  /** The same again, until it prints this. */
  | { readonly until: string; readonly says: string }
  /** Fields of `inspect`, by docker's names. */
  | { readonly look: readonly string[] }

export interface Case {
  /** What it is about, unique in its subject. */
  readonly name: string
  readonly image?: ImageSettings
  readonly steps: readonly Step[]
  /** What comes of the steps that are looked at, with docker: exit status, standard output, then `!` and standard error. */
  readonly expect: string | readonly string[]
  /** Where that is not so with lading. */
  readonly lading?: { readonly expect: string | readonly string[]; readonly why: string }
}

export interface Subject {
  readonly title: string
  readonly cases: readonly Case[]
}

export const programs = ['docker', 'lading'] as const
export type ProgramName = (typeof programs)[number]
