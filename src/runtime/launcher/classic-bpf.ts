/** Instructions of linux/bpf_common.h: code, jump if true, jump if false, constant. */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, constant: number]
export const load = (offset: number): Instruction => [0x20, 0, 0, offset]
export const jump = (count: number): Instruction => [0x05, 0, 0, count]
export const ifEqual = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x15,
  ifTrue,
  ifFalse,
  value,
]
export const ifGreater = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x25,
  ifTrue,
  ifFalse,
  value,
]
export const ifAtLeast = (value: number, ifTrue: number, ifFalse: number): Instruction => [
  0x35,
  ifTrue,
  ifFalse,
  value,
]
export const and = (mask: number): Instruction => [0x54, 0, 0, mask]
export const answer = (value: number): Instruction => [0x06, 0, 0, value]

/** Offsets in struct seccomp_data; arguments are 64 bits, of which the low half comes first on both machines. */
export const offsets = { number: 0, architecture: 4, argument: (index: number) => 16 + 8 * index } as const
