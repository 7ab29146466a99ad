/**
 * Static programs that try system calls and say what the kernel answered: made by the launcher's own assembler, so that an image
 * of one file can hold them. Each call is tried by a process of its own, which a second alarm ends if it does not come back.
 */
import type { Assembler } from '../../../src/runtime/launcher/assembler.js'
import { argumentRegisters } from '../../../src/runtime/launcher/assembler.js'
import { Data, isSlot } from '../../../src/runtime/launcher/data.js'
import { dataAddress, elf } from '../../../src/runtime/launcher/elf.js'
import { errnoName } from '../../../src/runtime/launcher/errno.js'
import { everySystemCall } from '../../../src/runtime/launcher/every-system-call.js'
import { thisMachine } from '../../../src/runtime/launcher/launcher-file.js'
import type { Value } from '../../../src/runtime/launcher/program.js'

/** One call; those of an attempt are made by one process, one after the other, and the answer of the last is told. */
export interface ProbeCall {
  readonly call: string | number
  readonly args: readonly Value[]
}

export const systemCallNumbers = (): ReadonlyMap<string, number> => everySystemCall(thisMachine().name)

/** Puts a call's arguments where they belong and makes it. */
const caller =
  (code: Assembler, data: Data) =>
  ({ call, args }: ProbeCall): void => {
    for (const [index, value] of args.entries()) {
      const register = argumentRegisters[index]!
      if (isSlot(value)) code.load(register, data.slot(value))
      else code.move(register, ...data.constant(value))
    }
    const number = typeof call === 'number' ? call : systemCallNumbers().get(call)
    if (number === undefined) throw new Error(`This machine has no system call ${call}`)
    code.move('number', number)
    code.systemCall()
  }

/** A program that makes these calls for ever, group after group: a call that fails ends its group for this time. `first` come once before. */
export const endlessProgram = (
  groups: readonly (readonly ProbeCall[])[],
  first: readonly ProbeCall[] = [],
): Buffer => {
  const machine = thisMachine()
  const code = machine.assembler()
  const data = new Data(dataAddress)
  const make = caller(code, data)
  const keep = (each: ProbeCall) => {
    make(each)
    code.store(data.slot(previous), 'result')
  }
  for (const each of first) keep(each)
  const again = code.label()
  code.place(again)
  for (const calls of groups) {
    const next = code.label()
    for (const each of calls) {
      keep(each)
      code.compare('result', 0)
      code.jumpIf('less', next)
    }
    code.place(next)
  }
  code.jump(again)
  return elf(machine.elfMachine, data.finish(), code.finish())
}

/** A program that makes each of these attempts and writes 16 bytes for what comes of it: its index and the answer. */
export const probeProgram = (attempts: readonly (readonly ProbeCall[])[]): Buffer => {
  const machine = thisMachine()
  const code = machine.assembler()
  const data = new Data(dataAddress)
  const record = data.buffer(Buffer.alloc(16))
  const status = data.slot({ slot: 0 })
  // struct itimerval: not again, and a second from now.
  const timer = Buffer.alloc(32)
  timer.writeBigUInt64LE(1n, 16)

  const make = caller(code, data)
  const tell = (index: number, ended: 0 | 1) => {
    code.move('scratch', index, ended)
    code.store(record, 'scratch')
    for (const [register, value] of [1, record, 16].entries()) code.move(argumentRegisters[register]!, value)
    code.move('number', systemCallNumbers().get('write')!)
    code.systemCall()
  }

  for (const [index, calls] of attempts.entries()) {
    const parent = code.label()
    make({ call: 'clone', args: [/* SIGCHLD */ 17, 0, 0, 0, 0] })
    code.store(data.slot(child), 'result')
    code.compare('result', 0)
    code.jumpIf('not-equal', parent)
    make({ call: 'setitimer', args: [0, timer, 0] })
    for (const each of calls) {
      make(each)
      code.store(record + 8, 'result')
      code.store(data.slot(previous), 'result')
    }
    tell(index, 0)
    make({ call: 'exit_group', args: [0] })
    code.place(parent)
    // Not just any: what a tried fork made may become this process's child.
    make({ call: 'wait4', args: [child, { addressOf: { slot: 0 } }, 0, 0] })
    code.load('scratch', status)
    code.store(record + 8, 'scratch')
    tell(index, 1)
  }
  make({ call: 'exit_group', args: [0] })
  return elf(machine.elfMachine, data.finish(), code.finish())
}

const child = { slot: 2 } as const

/** In an argument: what the attempt's call before this one gave. */
export const previous = { slot: 1 } as const

/**
 * The answers by index: the name of an error, `ok` for any other result, or that the process did not come back from it: `ended 159`
 * with docker's status for how it ended.
 */
export const readProbe = (output: Buffer): ReadonlyMap<number, string> => {
  const answers = new Map<number, string>()
  for (let at = 0; at + 16 <= output.length; at += 16) {
    const index = output.readUInt32LE(at)
    const result = output.readBigInt64LE(at + 8)
    if (output.readUInt32LE(at + 4) === 0) {
      const isError = result < 0n && result >= -4095n
      if (!answers.has(index)) answers.set(index, isError ? errnoName(Number(-result)) : 'ok')
    } else if (!answers.has(index)) {
      const status = Number(BigInt.asUintN(32, result))
      answers.set(index, `ended ${(status & 0x7f) === 0 ? status >> 8 : 128 + (status & 0x7f)}`)
    }
  }
  return answers
}
