import { visible } from '../../spec/escape.js'
import type { CallStep, Program, ProgramStep, Value } from './program.js'

/**
 * A program for people: one numbered line a step, its name and the call with its arguments. Texts are quoted and
 * escaped, buffers are told by their length, slots are `$0`, `$1` …
 */
export const explain = (program: Program): string => {
  const width = String(program.length).length
  return program.map((step, index) => `${String(index + 1).padStart(width)}  ${explainStep(step)}\n`).join('')
}

const explainStep = (step: ProgramStep): string => {
  switch (step.kind) {
    case 'call':
      return `${visible(step.name)}: ${call(step)}${outcomes(step)}`
    case 'label':
      return `${visible(step.label)}:`
    case 'goto':
      return `go to ${visible(step.to.label)}`
    case 'exit':
      return `exit ${step.status}`
    case 'exit-as':
      return `${visible(step.name)}: exit as $${step.status.slot} says`
    case 'init':
      return `${visible(step.name)}: forward signals to $${step.child.slot}, reap, exit as $${step.status.slot} says`
  }
}

const call = (step: CallStep): string => `${step.call}(${step.args.map(argument).join(', ')})`

const outcomes = (step: CallStep): string =>
  [
    step.save && ` → $${step.save.slot}`,
    step.onError === 'ignore' && ', errors do not matter',
    typeof step.onError === 'object' && `, on an error go to ${visible(step.onError.label)}`,
    step.ifZero && `, if 0 go to ${visible(step.ifZero.label)}`,
    step.ifPositive && `, if more go to ${visible(step.ifPositive.label)}`,
  ]
    .filter(Boolean)
    .join('')

const argument = (value: Value): string => {
  if (typeof value === 'string') return quoted(value)
  if (typeof value !== 'object') return number(BigInt(value))
  if (value instanceof Uint8Array) return `[${value.length} bytes]`
  if ('slot' in value) return `$${value.slot}`
  if ('addressOf' in value) return `&$${value.addressOf.slot}`
  if ('vector' in value) return `[${value.vector.map(quoted).join(', ')}]`
  const pointers = value.pointers.map(({ at, to }) => `${at}: ${argument(to)}`)
  return `{${value.struct.length} bytes; ${pointers.join(', ')}}`
}

const quoted = (text: string): string => `"${visible(text.replace(/["\\]/g, '\\$&'))}"`

/** Flags are read in hexadecimal, small counts and descriptors in decimal. */
const number = (value: bigint): string => (value >= 256n ? `0x${value.toString(16)}` : `${value}`)
