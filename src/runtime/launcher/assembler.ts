/**
 * The few machine instructions that a program of steps is made of, for any processor: constants into registers,
 * 64-bit numbers from and to memory, a system call, comparisons and jumps. No stack, no calls, no memory but the
 * program's own data, which always lies below 2^31.
 */

/**
 * Registers by what they are for. `number` and `result` are one register on x86-64, `result` and `a0` are one on
 * arm64: nothing may live in one across a write to the other. A system call changes `result` and nothing else of
 * these (on x86-64 `number`, being the same).
 */
export type Register = 'a0' | 'a1' | 'a2' | 'a3' | 'a4' | 'a5' | 'number' | 'result' | 'step' | 'scratch'

export const argumentRegisters = ['a0', 'a1', 'a2', 'a3', 'a4', 'a5'] as const satisfies readonly Register[]

/** After `compare`: signed, but for `not-below`, which is ≥ of numbers without a sign. */
export type Condition = 'equal' | 'not-equal' | 'less' | 'less-or-equal' | 'greater' | 'not-below'

/** A place in the code, made by `label` of the assembler that it is for. */
export type CodeLabel = number

export interface Assembler {
  label(): CodeLabel
  /** The label is here. Once for a label. */
  place(label: CodeLabel): void
  /** A 64-bit constant, as two halves without sign. */
  move(to: Register, low: number, high?: number): void
  copy(to: Register, from: Register): void
  /** 8 bytes at an address below 2^31. */
  load(to: Register, address: number): void
  store(address: number, from: Register): void
  systemCall(): void
  /** `constant`: −4095 to 4095, the sign is extended. */
  compare(register: Register, constant: number): void
  compareRegisters(left: Register, right: Register): void
  jump(label: CodeLabel): void
  jumpIf(condition: Condition, label: CodeLabel): void
  /** to += constant; 0 to 4095. */
  addConstant(to: Register, constant: number): void
  add(to: Register, from: Register): void
  subtract(to: Register, from: Register): void
  shiftRight(register: Register, bits: number): void
  /** Make all but the lowest `bits` zero; 1 to 31. */
  keepLowBits(register: Register, bits: number): void
  /** The code, jumps filled in; runs at any address. Every label that is jumped to has been placed. */
  finish(): Buffer
}

/** A kind of processor that programs can be made for. */
export interface Machine {
  readonly name: 'x86-64' | 'arm64'
  /** e_machine of an ELF file. */
  readonly elfMachine: number
  /** Which column of the system call table is its own. */
  readonly column: 0 | 1
  assembler(): Assembler
}

/** Half of a 64-bit number, as an unsigned 32-bit one. Exact for every safe integer, negative ones too. */
export const lowHalf = (value: number): number => value >>> 0
export const highHalf = (value: number): number => Math.floor(value / 0x1_0000_0000) >>> 0
