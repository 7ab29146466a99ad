import { everySystemCall, type MachineName } from './every-system-call.js'
import { type ArgumentTest, defaultProfile, type SeccompRule } from './seccomp-profile.js'

/**
 * The seccomp profile as a program of classic BPF for one machine and one set of capabilities.
 *
 * The program looks at struct seccomp_data (linux/seccomp.h): first whether the call is of this machine (others,
 * such as i386 on x86-64, are refused: their numbers mean other calls), then at the number, in a tree that
 * halves the ranges of numbers that are answered alike, and for a few calls at an argument.
 */

/** AUDIT_ARCH_* of linux/audit.h. */
const auditArchitecture = { 'x86-64': 0xc000_003e, arm64: 0xc000_00b7 } as const

/** Instructions of linux/bpf_common.h: code, jump if true, jump if false, constant. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, constant: number]
const load = (offset: number): Instruction => [0x20, 0, 0, offset]
const jump = (count: number): Instruction => [0x05, 0, 0, count]
const ifEqual = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x15,
  ifTrue,
  ifFalse,
  value,
]
const ifGreater = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x25,
  ifTrue,
  ifFalse,
  value,
]
const ifAtLeast = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x35,
  ifTrue,
  ifFalse,
  value,
]
const and = (mask: number): Instruction => [0x54, 0, 0, mask]
const answer = (value: number): Instruction => [0x06, 0, 0, value]

const allow = answer(0x7fff_0000)
const refuse = (errno: number) => answer(0x0005_0000 | errno)
const [eperm, enosys] = [1, 38]

/** Offsets in struct seccomp_data; arguments are 64 bits, of which the low half comes first on both machines. */
const offsets = { number: 0, architecture: 4, argument: (index: number) => 16 + 8 * index } as const

/** What becomes of one call. */
type Verdict = 'allow' | { readonly errno: number } | { readonly anyOf: readonly ArgumentTest[] }

/** Verdicts by number. A rule without a condition outweighs those that have one, as in libseccomp. */
export const resolveProfile = (
  profile: readonly SeccompRule[],
  capabilities: readonly string[],
  machine: MachineName,
): ReadonlyMap<number, Verdict> => {
  const numbers = everySystemCall(machine)
  const verdicts = new Map<number, Verdict>()
  for (const rule of profile) {
    if (rule.capability !== undefined && !capabilities.includes(rule.capability)) continue
    if (rule.withoutCapability !== undefined && capabilities.includes(rule.withoutCapability)) continue
    if (rule.machines && !rule.machines.includes(machine)) continue
    for (const name of rule.names) {
      const number = numbers.get(name)
      if (number === undefined) continue
      const before = verdicts.get(number)
      if (!rule.argument) verdicts.set(number, rule.errno === undefined ? 'allow' : { errno: rule.errno })
      else if (before === undefined) verdicts.set(number, { anyOf: [rule.argument] })
      else if (before !== 'allow' && 'anyOf' in before)
        verdicts.set(number, { anyOf: [...before.anyOf, rule.argument] })
    }
  }
  return verdicts
}

/**
 * Only the lower half is compared: every argument with a test is an int or flags of 32 bits, of which the kernel
 * ignores the upper half, so that a test of it could be evaded (socket(2^32 + AF_ALG)).
 */
const testSteps = (test: ArgumentTest): readonly Instruction[] => {
  const argument = load(offsets.argument(test.index))
  switch (test.is) {
    case 'equal':
      return [argument, ifEqual(test.value, 0, 1), allow]
    case 'greater':
      return [argument, ifGreater(test.value, 0, 1), allow]
    case 'less':
      return [argument, ifAtLeast(test.value, 1, 0), allow]
    case 'masked-equal':
      return [argument, and(test.mask), ifEqual(test.value, 0, 1), allow]
  }
}

const verdictSteps = (verdict: Verdict | undefined): readonly Instruction[] => {
  if (verdict === undefined) return [refuse(eperm)]
  if (verdict === 'allow') return [allow]
  if ('errno' in verdict) return [refuse(verdict.errno)]
  return [...verdict.anyOf.flatMap(testSteps), refuse(eperm)]
}

/** Numbers from `from` on, up to the next range, that get these steps. */
interface Range {
  readonly from: number
  readonly steps: readonly Instruction[]
}

const rangesOf = (verdicts: ReadonlyMap<number, Verdict>): readonly Range[] => {
  const highest = Math.max(...verdicts.keys())
  const ranges: Range[] = []
  let previous: Verdict | 'none' | undefined
  for (let number = 0; number <= highest; number++) {
    const verdict = verdicts.get(number) ?? 'none'
    if (verdict === previous) continue
    previous = verdict
    ranges.push({ from: number, steps: verdictSteps(verdict === 'none' ? undefined : verdict) })
  }
  // Newer than the profile, and on x86-64 those of x32, which start at 2^30.
  ranges.push({ from: highest + 1, steps: [refuse(enosys)] })
  return ranges
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

/** Instructions of 8 bytes each, as prctl(PR_SET_SECCOMP) takes them (linux/filter.h). */
export const seccompFilter = (capabilities: readonly string[], machine: MachineName): Buffer => {
  const search = searchSteps(rangesOf(resolveProfile(defaultProfile, capabilities, machine)))
  const program: readonly Instruction[] = [
    load(offsets.architecture),
    ifEqual(auditArchitecture[machine], 1, 0),
    refuse(eperm),
    load(offsets.number),
    ...search,
  ]
  const bytes = Buffer.alloc(8 * program.length)
  program.forEach(([code, ifTrue, ifFalse, constant], index) => {
    bytes.writeUInt16LE(code, 8 * index)
    bytes[8 * index + 2] = ifTrue
    bytes[8 * index + 3] = ifFalse
    bytes.writeUInt32LE(constant >>> 0, 8 * index + 4)
  })
  return bytes
}
