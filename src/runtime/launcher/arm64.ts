import type { Assembler, Condition, Machine, Register } from './assembler.js'
import { CodeLabels } from './code-labels.js'
import { GrowingBytes } from './growing-bytes.js'

/**
 * arm64 (AArch64, little-endian): every instruction is one 32-bit word, laid out as the Arm Architecture Reference
 * Manual, chapter C4, says. System calls take their number in x8, their arguments in x0 to x5, and change x0 only.
 */
const registers: Readonly<Record<Register, number>> = {
  ...{ a0: 0, a1: 1, a2: 2, a3: 3, a4: 4, a5: 5, number: 8, result: 0, step: 19, scratch: 20 },
}
/** For the address of a store; no register that the interface knows. */
const addressRegister = 9
/** As a source or a target that does not matter: always zero. */
const zeroRegister = 31

const conditions: Readonly<Record<Condition, number>> = {
  equal: 0x0,
  'not-equal': 0x1,
  less: 0xb,
  'less-or-equal': 0xd,
  greater: 0xc,
  'not-below': 0x2,
}

/** Put 16 bits at `shift` (0 to 3, in sixteens): the rest zero, the rest ones with the bits inverted, the rest kept. */
const movz = (to: number, bits: number, shift: number) => 0xd280_0000 | (shift << 21) | (bits << 5) | to
const movn = (to: number, bits: number, shift: number) => 0x9280_0000 | (shift << 21) | (bits << 5) | to
const movk = (to: number, bits: number, shift: number) => 0xf280_0000 | (shift << 21) | (bits << 5) | to

const threeRegisters = (base: number, to: number, left: number, right: number) =>
  base | (right << 16) | (left << 5) | to
const orr = (to: number, left: number, right: number) => threeRegisters(0xaa00_0000, to, left, right)
const addRegisters = (to: number, left: number, right: number) => threeRegisters(0x8b00_0000, to, left, right)
const subRegisters = (to: number, left: number, right: number) => threeRegisters(0xcb00_0000, to, left, right)
const subs = (to: number, left: number, right: number) => threeRegisters(0xeb00_0000, to, left, right)
/** With a constant of 12 bits. */
const addImmediate = (to: number, left: number, value: number) =>
  0x9100_0000 | (value << 10) | (left << 5) | to
const addsImmediate = (to: number, left: number, value: number) =>
  0xb100_0000 | (value << 10) | (left << 5) | to
const subsImmediate = (to: number, left: number, value: number) =>
  0xf100_0000 | (value << 10) | (left << 5) | to
/** ubfm moves bits `from` to `last` down to 0; lsr and uxtb are names of its uses. */
const ubfm = (to: number, source: number, from: number, last: number) =>
  0xd340_0000 | (from << 16) | (last << 10) | (source << 5) | to
const ldr = (to: number, base: number) => 0xf940_0000 | (base << 5) | to
const str = (from: number, base: number) => 0xf900_0000 | (base << 5) | from
const svc = () => 0xd400_0001
const b = (words: number) => 0x1400_0000 | (words & 0x03ff_ffff)
const bCondition = (condition: number, words: number) => 0x5400_0000 | ((words & 0x7_ffff) << 5) | condition

/** A constant in the fewest of movz, movn and movk: pieces that are what the first leaves cost nothing. */
const moveConstant = (to: number, low: number, high: number): number[] => {
  const pieces = [low & 0xffff, low >>> 16, high & 0xffff, high >>> 16]
  const count = (piece: number) => pieces.filter(each => each === piece).length
  const inverted = count(0xffff) > count(0)
  const background = inverted ? 0xffff : 0
  const words: number[] = []
  pieces.forEach((piece, shift) => {
    if (piece === background) return
    if (words.length > 0) words.push(movk(to, piece, shift))
    else words.push(inverted ? movn(to, piece ^ 0xffff, shift) : movz(to, piece, shift))
  })
  return words.length > 0 ? words : [inverted ? movn(to, 0, 0) : movz(to, 0, 0)]
}

const assembler = (): Assembler => {
  const code = new GrowingBytes()
  const labels = new CodeLabels<'always' | number>()
  const emit = (word: number) => code.word(word)
  const move = (to: number, low: number, high = 0) => moveConstant(to, low, high).forEach(emit)

  return {
    label: () => labels.make(),
    place: label => labels.place(label, code.length),
    move: (to, low, high = 0) => move(registers[to], low, high),
    copy: (to, from) => emit(orr(registers[to], zeroRegister, registers[from])),
    load: (to, address) => {
      move(registers[to], address)
      emit(ldr(registers[to], registers[to]))
    },
    store: (address, from) => {
      move(addressRegister, address)
      emit(str(registers[from], addressRegister))
    },
    systemCall: () => emit(svc()),
    compare: (register, constant) =>
      emit(
        constant < 0
          ? addsImmediate(zeroRegister, registers[register], -constant)
          : subsImmediate(zeroRegister, registers[register], constant),
      ),
    compareRegisters: (left, right) => emit(subs(zeroRegister, registers[left], registers[right])),
    jump: label => labels.jump(label, code.reserve(4), 'always'),
    jumpIf: (condition, label) => labels.jump(label, code.reserve(4), conditions[condition]),
    addConstant: (to, constant) => emit(addImmediate(registers[to], registers[to], constant)),
    add: (to, from) => emit(addRegisters(registers[to], registers[to], registers[from])),
    subtract: (to, from) => emit(subRegisters(registers[to], registers[to], registers[from])),
    shiftRight: (register, bits) => emit(ubfm(registers[register], registers[register], bits, 63)),
    keepLowBits: (register, bits) => emit(ubfm(registers[register], registers[register], 0, bits - 1)),
    finish: () => {
      labels.resolve((at, target, kind) => {
        const words = (target - at) / 4
        // 19 bits with a sign: 1 MiB either way.
        if (kind !== 'always' && (words < -0x4_0000 || words > 0x3_ffff))
          throw new Error(`A conditional jump over ${target - at} bytes of code is too far for arm64`)
        code.setWord(at, kind === 'always' ? b(words) : bCondition(kind, words))
      })
      return code.written()
    },
  }
}

export const arm64: Machine = { name: 'arm64', elfMachine: 183, column: 1, assembler }
