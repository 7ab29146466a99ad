import type { CodeLabel } from './assembler.js'

/** Where labels are, and which jumps wait to be told. */
export class CodeLabels<Kind> {
  readonly #places: number[] = []
  readonly #jumps: { readonly at: number; readonly label: CodeLabel; readonly kind: Kind }[] = []

  make(): CodeLabel {
    return this.#places.push(-1) - 1
  }

  place(label: CodeLabel, at: number): void {
    this.#places[label] = at
  }

  /** A jump whose distance is to be filled in at `at`. */
  jump(label: CodeLabel, at: number, kind: Kind): void {
    this.#jumps.push({ at, label, kind })
  }

  /** Tell every jump where it goes. */
  resolve(fill: (at: number, target: number, kind: Kind) => void): void {
    for (const { at, label, kind } of this.#jumps) {
      const target = this.#places[label]!
      if (target < 0) throw new Error(`A jump at ${at} of the code goes to a label that was never placed`)
      fill(at, target, kind)
    }
  }
}
