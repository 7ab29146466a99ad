import type { DeviceRule } from './devices.js'

/**
 * The device filter of cgroup v2: a program of eBPF that the kernel runs whenever a process of the cgroup opens or
 * makes a device node. It gets struct bpf_cgroup_dev_ctx (linux/bpf.h): u32 access << 16 | type, u32 major,
 * u32 minor; and answers 1 to allow, 0 to refuse. Without it, a container with CAP_MKNOD reads the host's disks.
 */

/** Operation codes of linux/bpf.h: class | size or source | operation. */
const codes = {
  loadWord: 0x61,
  copy: 0xbf,
  set: 0xb7,
  and: 0x57,
  shiftRight: 0x77,
  ifNotEqual: 0x55,
  ifAnyBitOf: 0x45,
  exit: 0x95,
} as const

/** r0 is the answer, r1 the context. */
const registers = { answer: 0, context: 1, type: 2, access: 3, major: 4, minor: 5 } as const
type Register = keyof typeof registers

const types = { block: 1, character: 2 } as const
const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }
const everyAccess = 7

const instruction = (
  code: number,
  to: Register,
  { from = 'answer', offset = 0, constant = 0 }: { from?: Register; offset?: number; constant?: number } = {},
): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes[0] = code
  bytes[1] = registers[to] | (registers[from] << 4)
  bytes.writeInt16LE(offset, 2)
  bytes.writeInt32LE(constant, 4)
  return bytes
}

const answer = (value: 0 | 1): readonly Buffer[] => [
  instruction(codes.set, 'answer', { constant: value }),
  instruction(codes.exit, 'answer'),
]

/** Tests of one rule: each jumps behind the rule when it does not hold. */
const ruleSteps = (rule: DeviceRule): readonly Buffer[] => {
  const wanted = [...rule.access].reduce((bits, letter) => bits | accessBits[letter]!, 0)
  const tests: { code: number; register: Register; constant: number }[] = [
    { code: codes.ifNotEqual, register: 'type', constant: types[rule.type] },
  ]
  // Any bit of what the rule does not give.
  if (wanted !== everyAccess)
    tests.push({ code: codes.ifAnyBitOf, register: 'access', constant: everyAccess & ~wanted })
  if (rule.major !== undefined)
    tests.push({ code: codes.ifNotEqual, register: 'major', constant: rule.major })
  if (rule.minor !== undefined)
    tests.push({ code: codes.ifNotEqual, register: 'minor', constant: rule.minor })
  const allow = answer(1)
  return [
    ...tests.map(({ code, register, constant }, index) =>
      instruction(code, register, { offset: tests.length - 1 - index + allow.length, constant }),
    ),
    ...allow,
  ]
}

/** Instructions of 8 bytes each, for bpf(BPF_PROG_LOAD) with the type BPF_PROG_TYPE_CGROUP_DEVICE. */
export const deviceFilter = (rules: readonly DeviceRule[]): Buffer =>
  Buffer.concat([
    instruction(codes.loadWord, 'type', { from: 'context', offset: 0 }),
    instruction(codes.copy, 'access', { from: 'type' }),
    instruction(codes.and, 'type', { constant: 0xffff }),
    instruction(codes.shiftRight, 'access', { constant: 16 }),
    instruction(codes.loadWord, 'major', { from: 'context', offset: 4 }),
    instruction(codes.loadWord, 'minor', { from: 'context', offset: 8 }),
    ...rules.flatMap(ruleSteps),
    ...answer(0),
  ])
