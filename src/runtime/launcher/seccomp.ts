import { LadingError } from '../../spec/errors.js'
import { answer, type Instruction, ifAtLeast, ifEqual, jump, load, offsets } from './classic-bpf.js'
import { everySystemCall, type MachineName } from './every-system-call.js'
import type { ArgumentTest, SeccompAction, SeccompProfile } from './seccomp-profile.js'
import { testSteps } from './seccomp-tests.js'

/**
 * The seccomp profile as a program of classic BPF for one machine and one set of capabilities.
 *
 * The program looks at struct seccomp_data (linux/seccomp.h): first whether the call is of this machine (others,
 * such as i386 on x86-64, are refused: their numbers mean other calls), then at the number, in a tree that
 * halves the ranges of numbers that are answered alike, and for a few calls at an argument.
 */

/** AUDIT_ARCH_* of linux/audit.h. */
const auditArchitecture = { 'x86-64': 0xc000_003e, arm64: 0xc000_00b7 } as const

/** What becomes of one call: an action, or that of the first whose tests all hold. */
type Verdict =
  | SeccompAction
  | { readonly first: readonly { readonly tests: readonly ArgumentTest[]; readonly action: SeccompAction }[] }

/** Verdicts by number. A rule without a condition outweighs those that have one, as in libseccomp. */
export const resolveProfile = (
  { rules }: SeccompProfile,
  capabilities: readonly string[],
  machine: MachineName,
): ReadonlyMap<number, Verdict> => {
  const numbers = everySystemCall(machine)
  const verdicts = new Map<number, Verdict>()
  for (const { names, action = 'allow', tests = [], ...rule } of rules) {
    if (rule.capabilities && !rule.capabilities.every(name => capabilities.includes(name))) continue
    if (rule.withoutCapabilities?.some(name => capabilities.includes(name))) continue
    if (rule.machines && !rule.machines.includes(machine)) continue
    for (const name of names) {
      const number = numbers.get(name)
      if (number === undefined) continue
      const before = verdicts.get(number)
      if (tests.length === 0) verdicts.set(number, action)
      else if (before === undefined) verdicts.set(number, { first: [{ tests, action }] })
      else if (typeof before === 'object' && 'first' in before)
        verdicts.set(number, { first: [...before.first, { tests, action }] })
    }
  }
  return verdicts
}

const [eperm, enosys] = [1, 38]
/** BPF_MAXINSNS. */
const mostInstructions = 4096

/** SECCOMP_RET_* of linux/seccomp.h. */
const actions = {
  'kill-process': 0x8000_0000,
  'kill-thread': 0,
  trap: 0x0003_0000,
  log: 0x7ffc_0000,
  allow: 0x7fff_0000,
} as const
const take = (action: SeccompAction): Instruction =>
  answer(typeof action === 'object' ? 0x0005_0000 | action.errno : actions[action])

const verdictSteps = (verdict: Verdict, otherwise: SeccompAction): readonly Instruction[] => {
  if (typeof verdict !== 'object' || !('first' in verdict)) return [take(verdict)]
  const rules = verdict.first.flatMap(({ tests, action }) => [...testSteps(tests), take(action)])
  return [...rules, take(otherwise)]
}

/** Numbers from `from` on, up to the next range, that get these steps. */
interface Range {
  readonly from: number
  readonly steps: readonly Instruction[]
}

const rangesOf = (verdicts: ReadonlyMap<number, Verdict>, otherwise: SeccompAction): readonly Range[] => {
  const highest = Math.max(-1, ...verdicts.keys())
  const ranges: Range[] = []
  let previous: Verdict | undefined
  for (let number = 0; number <= highest; number++) {
    const verdict = verdicts.get(number) ?? otherwise
    if (verdict === previous) continue
    previous = verdict
    ranges.push({ from: number, steps: verdictSteps(verdict, otherwise) })
  }
  // A profile that says what is allowed does not know what is newer: a C library falls back to an older call.
  const newer = typeof otherwise === 'object' ? { errno: enosys } : otherwise
  return [
    ...ranges,
    { from: highest + 1, steps: [take(newer)] },
    // Those of x32 on x86-64, which no profile means.
    { from: 0x4000_0000, steps: [take({ errno: enosys })] },
  ]
}

/** A search through the ranges; the number is in the accumulator. */
const searchSteps = (ranges: readonly Range[]): readonly Instruction[] => {
  if (ranges.length === 1) return ranges[0]!.steps
  const middle = ranges.length >> 1
  const lower = searchSteps(ranges.slice(0, middle))
  const upper = searchSteps(ranges.slice(middle))
  const { from } = ranges[middle]!
  // A conditional jump reaches 255 instructions.
  const choice =
    lower.length < 256 ? [ifAtLeast(from, lower.length, 0)] : [ifAtLeast(from, 0, 1), jump(lower.length)]
  return [...choice, ...lower, ...upper]
}

/**
 * Instructions of 8 bytes each, as prctl(PR_SET_SECCOMP) takes them (linux/filter.h). Throws UNSUPPORTED for a profile that makes
 * more of them than the kernel takes.
 */
export const seccompFilter = (
  profile: SeccompProfile,
  capabilities: readonly string[],
  machine: MachineName,
): Buffer => {
  const verdicts = resolveProfile(profile, capabilities, machine)
  const search = searchSteps(rangesOf(verdicts, profile.otherwise))
  const program: readonly Instruction[] = [
    load(offsets.architecture),
    ifEqual(auditArchitecture[machine], 1, 0),
    take({ errno: eperm }),
    load(offsets.number),
    ...search,
  ]
  if (program.length > mostInstructions)
    throw new LadingError(
      'UNSUPPORTED',
      `The seccomp profile makes ${program.length} instructions: the kernel takes ${mostInstructions}`,
    )
  const bytes = Buffer.alloc(8 * program.length)
  program.forEach(([code, ifTrue, ifFalse, constant], index) => {
    bytes.writeUInt16LE(code, 8 * index)
    bytes[8 * index + 2] = ifTrue
    bytes[8 * index + 3] = ifFalse
    bytes.writeUInt32LE(constant >>> 0, 8 * index + 4)
  })
  return bytes
}
