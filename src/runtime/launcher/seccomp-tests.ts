import { highHalf, lowHalf } from './assembler.js'
import { and, type Instruction, ifAtLeast, ifEqual, ifGreater, load, offsets } from './classic-bpf.js'
import type { ArgumentTest } from './seccomp-profile.js'

/** Where a comparison goes on: with the next instruction, behind the test, or behind the rule. */
type Way = 'next' | 'holds' | 'fails'
type Step =
  | Instruction
  | { readonly compare: Compare; readonly value: number; readonly yes: Way; readonly no: Way }
type Compare = typeof ifEqual

/** Instructions that are gone through when all of the tests hold; else they lead behind the one instruction that follows them. */
export const testSteps = (tests: readonly ArgumentTest[]): readonly Instruction[] => {
  let steps: readonly Instruction[] = []
  for (const test of tests.toReversed()) steps = [...resolve(compare(test), steps.length + 1), ...steps]
  return steps
}

const resolve = (steps: readonly Step[], behind: number): readonly Instruction[] =>
  steps.map((step, index) => {
    if (!('compare' in step)) return step
    const left = steps.length - 1 - index
    const distances = { next: 0, holds: left, fails: left + behind }
    return step.compare(step.value, distances[step.yes], distances[step.no])
  })

/** The upper half decides, unless it is equal; then the lower one does. */
const compare = (test: ArgumentTest): readonly Step[] => {
  const { index, is, value, mask = 0, wide = false } = test
  const [low, high] = [load(offsets.argument(index)), load(offsets.argument(index) + 4)]
  const at = (compare: Compare, value: number, yes: Way, no: Way): Step => ({ compare, value, yes, no })
  const [lowValue, highValue] = [lowHalf(value), highHalf(value)]
  const upper = (...steps: readonly Step[]) => (wide ? [high, ...steps] : [])
  switch (is) {
    case 'equal':
      return [...upper(at(ifEqual, highValue, 'next', 'fails')), low, at(ifEqual, lowValue, 'holds', 'fails')]
    case 'not-equal':
      return [...upper(at(ifEqual, highValue, 'next', 'holds')), low, at(ifEqual, lowValue, 'fails', 'holds')]
    case 'greater':
    case 'greater-or-equal':
      return [
        ...upper(at(ifGreater, highValue, 'holds', 'next'), at(ifEqual, highValue, 'next', 'fails')),
        low,
        at(is === 'greater' ? ifGreater : ifAtLeast, lowValue, 'holds', 'fails'),
      ]
    case 'less':
    case 'less-or-equal':
      return [
        ...upper(at(ifGreater, highValue, 'fails', 'next'), at(ifEqual, highValue, 'next', 'holds')),
        low,
        at(is === 'less' ? ifAtLeast : ifGreater, lowValue, 'fails', 'holds'),
      ]
    case 'masked-equal':
      return [
        ...upper(and(highHalf(mask)), at(ifEqual, highValue, 'next', 'fails')),
        low,
        and(lowHalf(mask)),
        at(ifEqual, lowValue, 'holds', 'fails'),
      ]
  }
}
