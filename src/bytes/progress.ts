/** What a person waits for, told in bytes. Verbs report to it; the command line draws it. */
export interface Progress {
  /** Begin one piece of work; `total` in bytes, where it is known. */
  begin(label: string, total?: number): ProgressTask
}

export interface ProgressTask {
  /** `bytes` more are done. */
  advance(bytes: number): void
  end(): void
}

/** Reports to nobody. */
export const silent: Progress = { begin: () => ({ advance() {}, end() {} }) }
