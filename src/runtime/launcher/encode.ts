import { type Assembler, argumentRegisters, type CodeLabel, type Machine } from './assembler.js'
import { Data, isSlot } from './data.js'
import { dataAddress, elf } from './elf.js'
import {
  type CallStep,
  type Label,
  launcherFds,
  type Program,
  type ProgramStep,
  type Slot,
  type Value,
} from './program.js'
import { failureMagic, failureStatus } from './report-words.js'
import { systemCallNumber } from './system-calls.js'

const sigchld = 17
const waitNoHang = 1
const everySignal = new Uint8Array(8).fill(0xff)
const signalSetLength = 8

/**
 * The program as a static executable for `machine`: the steps in their order, one after the other. It ends with 0
 * when it runs off its end. A step that fails (a result of −4095 to −1) and has no `onError` writes one word to
 * the reports descriptor (report-words.ts) and ends with 125.
 *
 * A label that is missing or there twice, an unknown system call or more than 6 arguments are mistakes of
 * whoever wrote the steps, and thrown as plain errors; texts with NUL bytes as USAGE.
 */
export const encode = (program: Program, machine: Machine): Buffer => {
  const encoder = new Encoder(machine)
  for (let index = 0; index < program.length; index++) encoder.step(program[index]!, index)
  return encoder.finish()
}

class Encoder {
  readonly #machine: Machine
  readonly #code: Assembler
  readonly #data = new Data(dataAddress)
  readonly #labels = new Map<string, CodeLabel>()
  readonly #placed = new Set<string>()
  readonly #failure: CodeLabel

  constructor(machine: Machine) {
    this.#machine = machine
    this.#code = machine.assembler()
    this.#failure = this.#code.label()
  }

  step(step: ProgramStep, index: number): void {
    switch (step.kind) {
      case 'call':
        this.#callStep(step, index)
        break
      case 'label':
        this.#placeLabel(step)
        break
      case 'goto':
        this.#code.jump(this.#labelOf(step.to))
        break
      case 'exit':
        this.#call('exit_group', [step.status])
        break
      case 'exit-as':
        this.#exitAs(step.status)
        break
      case 'fail':
        this.#blame(index)
        this.#fail(step.error)
        break
      case 'init':
        this.#blame(index)
        this.#init(step.child, step.status)
    }
  }

  finish(): Buffer {
    this.#call('exit_group', [0])
    this.#failureEnd()
    for (const name of this.#labels.keys())
      if (!this.#placed.has(name)) throw new Error(`Steps go to the label "${name}", which none of them is`)
    return elf(this.#machine.elfMachine, this.#data.finish(), this.#code.finish())
  }

  #callStep(step: CallStep, index: number): void {
    const code = this.#code
    if (step.onError === undefined) this.#blame(index)
    this.#call(step.call, step.args)
    if (step.save) code.store(this.#data.slot(step.save), 'result')
    if (step.onError !== 'ignore') {
      code.compare('result', -4095)
      code.jumpIf('not-below', step.onError ? this.#labelOf(step.onError) : this.#failure)
    }
    if (step.ifZero ?? step.ifPositive) code.compare('result', 0)
    if (step.ifZero) code.jumpIf('equal', this.#labelOf(step.ifZero))
    if (step.ifPositive) code.jumpIf('greater', this.#labelOf(step.ifPositive))
  }

  /** A system call; what it gives is in `result`. */
  #call(name: string, args: readonly Value[]): void {
    if (args.length > argumentRegisters.length)
      throw new Error(`${name} has ${args.length} arguments; the kernel takes 6`)
    for (let index = 0; index < args.length; index++) this.#put(args[index]!, argumentRegisters[index]!)
    this.#callWith(name)
  }

  /** A system call whose arguments are in their registers. */
  #callWith(name: string): void {
    this.#code.move('number', systemCallNumber(name, this.#machine.column))
    this.#code.systemCall()
  }

  #put(value: Value, register: (typeof argumentRegisters)[number]): void {
    if (isSlot(value)) this.#code.load(register, this.#data.slot(value))
    else this.#code.move(register, ...this.#data.constant(value))
  }

  #labelOf({ label }: Label): CodeLabel {
    let known = this.#labels.get(label)
    if (known === undefined) {
      known = this.#code.label()
      this.#labels.set(label, known)
    }
    return known
  }

  #placeLabel(label: Label): void {
    if (this.#placed.has(label.label)) throw new Error(`Two steps are the label "${label.label}"`)
    this.#placed.add(label.label)
    this.#code.place(this.#labelOf(label))
  }

  /** From here on it is this step that fails: its index where the word of a failure has it, above the errno. */
  #blame(index: number): void {
    if (index > 0xffff) throw new Error(`A program has at most ${0x1_0000} steps`)
    this.#code.move('step', index * 0x1_0000)
  }

  /** −errno from 32 bits: its lowest 31 are 2^31 − errno. */
  #fail(error: Slot): void {
    const code = this.#code
    code.load('result', this.#data.slot(error))
    code.keepLowBits('result', 31)
    code.move('scratch', 0x8000_0000)
    code.subtract('result', 'scratch')
    code.jump(this.#failure)
  }

  /** Where failing steps come with their result: say which and why, and end. */
  #failureEnd(): void {
    const code = this.#code
    const word = this.#data.buffer(new Uint8Array(8))
    code.place(this.#failure)
    // The result is −errno.
    code.subtract('step', 'result')
    code.move('scratch', 0, failureMagic)
    code.add('step', 'scratch')
    code.store(word, 'step')
    code.move('a0', launcherFds.reports)
    code.move('a1', word)
    code.move('a2', 8)
    this.#callWith('write')
    this.#call('exit_group', [failureStatus])
  }

  /** A wait status (wait(2)) holds the signal in its lowest 7 bits, or 0 and the exit code in the next byte. */
  #exitAs(status: Slot): void {
    const code = this.#code
    const bySignal = code.label()
    const end = code.label()
    code.load('a0', this.#data.slot(status))
    code.copy('scratch', 'a0')
    code.keepLowBits('a0', 7)
    code.compare('a0', 0)
    code.jumpIf('not-equal', bySignal)
    code.copy('a0', 'scratch')
    code.shiftRight('a0', 8)
    code.keepLowBits('a0', 8)
    code.jump(end)
    code.place(bySignal)
    code.addConstant('a0', 128)
    code.place(end)
    this.#callWith('exit_group')
  }

  /**
   * Every signal is blocked and so is only ever taken by sigtimedwait, which needs no handler and no stack. Several
   * ends may have come as one SIGCHLD, so it reaps until nothing more has ended.
   */
  #init(child: Slot, status: Slot): void {
    const code = this.#code
    const wait = code.label()
    const reap = code.label()
    code.place(wait)
    this.#call('rt_sigtimedwait', [everySignal, 0, 0, signalSetLength])
    code.compare('result', sigchld)
    code.jumpIf('equal', reap)
    code.compare('result', 0)
    // EINTR, after a stop and a SIGCONT that was not for us to take.
    code.jumpIf('less-or-equal', wait)
    code.copy('a1', 'result')
    code.load('a0', this.#data.slot(child))
    this.#callWith('kill')
    code.jump(wait)

    code.place(reap)
    this.#call('wait4', [-1, { addressOf: status }, waitNoHang, 0])
    code.compare('result', 0)
    code.jumpIf('equal', wait)
    // ECHILD: what is in the slot was never a child of this process.
    code.jumpIf('less', this.#failure)
    code.load('scratch', this.#data.slot(child))
    code.compareRegisters('result', 'scratch')
    code.jumpIf('not-equal', reap)
    this.#exitAs(status)
  }
}
