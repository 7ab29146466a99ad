/** One thing that a step could not keep. */
export interface Loss {
  /** A stable word: `history`, `layers`, `config.Env`, `manifest-digest`, `compression`, `platform`, `artifact` … */
  readonly what: string
  /** The image, layer or path that lost it. */
  readonly where: string
  readonly why: string
  readonly count: number
  readonly remedy?: string
}

/** Something odd that was found and did not stop the work. `what` is a stable word, `message` a sentence. */
export interface Warning {
  readonly what: string
  readonly message: string
}
