import type { Assembler, Condition, Machine, Register } from './assembler.js'
import { CodeLabels } from './code-labels.js'
import { GrowingBytes } from './growing-bytes.js'

/**
 * x86-64. Numbers of registers as in the Intel manual, volume 2, table 3-1: the lowest three bits stand in the
 * instruction, the fourth in its REX prefix. System calls take their arguments as syscall(2) says, and change
 * rax, rcx and r11.
 */
const registers: Readonly<Record<Register, number>> = {
  ...{ a0: 7 /* rdi */, a1: 6 /* rsi */, a2: 2 /* rdx */, a3: 10 /* r10 */, a4: 8 /* r8 */, a5: 9 /* r9 */ },
  ...{ number: 0 /* rax */, result: 0 /* rax */, step: 5 /* rbp */, scratch: 3 /* rbx */ },
}

const conditions: Readonly<Record<Condition, number>> = {
  equal: 0x4,
  'not-equal': 0x5,
  less: 0xc,
  'less-or-equal': 0xe,
  greater: 0xf,
  'not-below': 0x3,
}

const assembler = (): Assembler => {
  const code = new GrowingBytes()
  const labels = new CodeLabels<'rel32'>()

  /** REX: `wide` for 64 bits; the fourth bits of the registers in `reg` and `rm`. 0x40 says nothing. */
  const rex = (wide: boolean, reg: number, rm: number) =>
    0x40 | (wide ? 8 : 0) | ((reg >> 3) << 2) | (rm >> 3)

  /** `op r/m, r` of 32 or 64 bits, ModRM being that of two registers; what is immediate stands behind. */
  const operation = (opcode: number, wide: boolean, reg: number, rm: number, immediate?: number) => {
    const prefix = rex(wide, reg, rm)
    const bytes = opcode | ((0xc0 | ((reg & 7) << 3) | (rm & 7)) << 8)
    if (prefix === 0x40) code.put(bytes, 2, immediate)
    else code.put(prefix | (bytes << 8), 3, immediate)
  }
  const mov = (to: number, from: number) => operation(0x89, true, from, to)
  const add = (to: number, from: number) => operation(0x01, true, from, to)
  const sub = (to: number, from: number) => operation(0x29, true, from, to)
  const cmp = (left: number, right: number) => operation(0x39, true, right, left)
  const xor32 = (to: number, from: number) => operation(0x31, false, from, to)
  /** `op r/m64, imm32`, the sign extended; `extension` stands where a second register would. */
  const immediate = (extension: number, rm: number, value: number) =>
    operation(0x81, true, extension, rm, value)
  const addImmediate = (to: number, value: number) => immediate(0, to, value)
  const andImmediate = (to: number, value: number) => immediate(4, to, value)
  const cmpImmediate = (left: number, value: number) => immediate(7, left, value)
  const shr = (register: number, bits: number) => {
    operation(0xc1, true, 5, register)
    code.byte(bits)
  }
  /** mov r32, imm32: the upper half becomes zero. */
  const mov32 = (to: number, value: number) => {
    const opcode = 0xb8 | (to & 7)
    if (to < 8) code.put(opcode, 1, value)
    else code.put(rex(false, 0, to) | (opcode << 8), 2, value)
  }
  /** mov r64, imm32: the sign is extended. */
  const movSigned = (to: number, value: number) => operation(0xc7, true, 0, to, value)
  const movabs = (to: number, low: number, high: number) => {
    code.put(rex(true, 0, to) | ((0xb8 | (to & 7)) << 8), 2, low)
    code.word(high)
  }
  /** `op r64, [address]`: ModRM and SIB that mean a 32-bit displacement and no base. */
  const absolute = (opcode: number, register: number, address: number) =>
    code.put(
      rex(true, register, 0) | (opcode << 8) | ((0x04 | ((register & 7) << 3)) << 16) | (0x25 << 24),
      4,
      address,
    )
  const movLoad = (to: number, address: number) => absolute(0x8b, to, address)
  const movStore = (address: number, from: number) => absolute(0x89, from, address)
  const syscall = () => code.put(0x050f, 2)
  /** Distances are known at the end. */
  const jmp = () => code.put(0xe9, 1, 0)
  const jcc = (condition: number) => code.put(0x0f | ((0x80 | condition) << 8), 2, 0)
  const distanceTo = (label: number) => labels.jump(label, code.length - 4, 'rel32')

  return {
    label: () => labels.make(),
    place: label => labels.place(label, code.length),
    move: (to, low, high = 0) => {
      const register = registers[to]
      if (low === 0 && high === 0) xor32(register, register)
      else if (high === 0) mov32(register, low)
      else if (high === 0xffff_ffff && low >= 0x8000_0000) movSigned(register, low)
      else movabs(register, low, high)
    },
    copy: (to, from) => mov(registers[to], registers[from]),
    load: (to, address) => movLoad(registers[to], address),
    store: (address, from) => movStore(address, registers[from]),
    systemCall: syscall,
    compare: (register, constant) => cmpImmediate(registers[register], constant),
    compareRegisters: (left, right) => cmp(registers[left], registers[right]),
    jump: label => {
      jmp()
      distanceTo(label)
    },
    jumpIf: (condition, label) => {
      jcc(conditions[condition])
      distanceTo(label)
    },
    addConstant: (to, constant) => addImmediate(registers[to], constant),
    add: (to, from) => add(registers[to], registers[from]),
    subtract: (to, from) => sub(registers[to], registers[from]),
    shiftRight: (register, bits) => shr(registers[register], bits),
    keepLowBits: (register, bits) => andImmediate(registers[register], 2 ** bits - 1),
    finish: () => {
      // A distance counts from the end of the jump, which ends with it.
      labels.resolve((at, target) => code.setWord(at, target - (at + 4)))
      return code.written()
    },
  }
}

export const x86_64: Machine = { name: 'x86-64', elfMachine: 62, column: 0, assembler }
