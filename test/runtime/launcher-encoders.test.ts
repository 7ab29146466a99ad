import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { arm64 } from '../../src/runtime/launcher/arm64.js'
import {
  type Assembler,
  argumentRegisters,
  type Machine,
  type Register,
} from '../../src/runtime/launcher/assembler.js'
import { constantHalves, Data } from '../../src/runtime/launcher/data.js'
import { dataAddress, elf } from '../../src/runtime/launcher/elf.js'
import { encode } from '../../src/runtime/launcher/encode.js'
import { systemCallNumber, systemCalls } from '../../src/runtime/launcher/system-calls.js'
import { x86_64 } from '../../src/runtime/launcher/x86-64.js'
import { has } from '../helpers/programs.js'
import { processors, runFile } from '../helpers/run-program.js'

const registers = [...argumentRegisters, 'number', 'result', 'step', 'scratch'] as const satisfies Register[]
const x86Names = ['rdi', 'rsi', 'rdx', 'r10', 'r8', 'r9', 'rax', 'rax', 'rbp', 'rbx']
const x86Halves = ['edi', 'esi', 'edx', 'r10d', 'r8d', 'r9d', 'eax', 'eax', 'ebp', 'ebx']
const armNames = ['x0', 'x1', 'x2', 'x3', 'x4', 'x5', 'x8', 'x0', 'x19', 'x20']

const x86 = (register: Register) => x86Names[registers.indexOf(register)]!
const x86Half = (register: Register) => x86Halves[registers.indexOf(register)]!
const arm = (register: Register) => armNames[registers.indexOf(register)]!

/** What is asked of the assembler, and what objdump shall read: of x86-64, and of arm64 one or more instructions. */
type Row = readonly [ask: (code: Assembler) => void, x86: string, arm: readonly string[]]

const rowsOf = (r: Register): Row[] => [
  [code => code.move(r, 0), `xor ${x86Half(r)},${x86Half(r)}`, [`mov ${arm(r)}, #0x0`]],
  [code => code.move(r, 0x1234), `mov ${x86Half(r)},0x1234`, [`mov ${arm(r)}, #0x1234`]],
  [code => code.move(r, 0x12340000), `mov ${x86Half(r)},0x12340000`, [`mov ${arm(r)}, #0x12340000`]],
  [
    code => code.move(r, 0x89abcdef),
    `mov ${x86Half(r)},0x89abcdef`,
    [`mov ${arm(r)}, #0xcdef`, `movk ${arm(r)}, #0x89ab, lsl #16`],
  ],
  [
    code => code.move(r, 0xffffffff, 0xffffffff),
    `mov ${x86(r)},0xffffffffffffffff`,
    [`mov ${arm(r)}, #0xffffffffffffffff`],
  ],
  [
    code => code.move(r, 0xfffffff6, 0xffffffff),
    `mov ${x86(r)},0xfffffffffffffff6`,
    [`mov ${arm(r)}, #0xfffffffffffffff6`],
  ],
  [
    code => code.move(r, 0x7fffffff, 0xffffffff),
    `movabs ${x86(r)},0xffffffff7fffffff`,
    [`mov ${arm(r)}, #0xffffffff7fffffff`],
  ],
  [
    code => code.move(r, 0x89abcdef, 0x01234567),
    `movabs ${x86(r)},0x123456789abcdef`,
    [
      `mov ${arm(r)}, #0xcdef`,
      `movk ${arm(r)}, #0x89ab, lsl #16`,
      `movk ${arm(r)}, #0x4567, lsl #32`,
      `movk ${arm(r)}, #0x123, lsl #48`,
    ],
  ],
  [
    code => code.load(r, 0x4000e8),
    `mov ${x86(r)},QWORD PTR ds:0x4000e8`,
    [`mov ${arm(r)}, #0xe8`, `movk ${arm(r)}, #0x40, lsl #16`, `ldr ${arm(r)}, [${arm(r)}]`],
  ],
  [
    code => code.store(0x4000e8, r),
    `mov QWORD PTR ds:0x4000e8,${x86(r)}`,
    ['mov x9, #0xe8', 'movk x9, #0x40, lsl #16', `str ${arm(r)}, [x9]`],
  ],
  [code => code.compare(r, -4095), `cmp ${x86(r)},0xfffffffffffff001`, [`cmn ${arm(r)}, #0xfff`]],
  [code => code.compare(r, 17), `cmp ${x86(r)},0x11`, [`cmp ${arm(r)}, #0x11`]],
  [code => code.compare(r, 4095), `cmp ${x86(r)},0xfff`, [`cmp ${arm(r)}, #0xfff`]],
  [code => code.addConstant(r, 128), `add ${x86(r)},0x80`, [`add ${arm(r)}, ${arm(r)}, #0x80`]],
  [code => code.shiftRight(r, 8), `shr ${x86(r)},0x8`, [`lsr ${arm(r)}, ${arm(r)}, #8`]],
  [code => code.keepLowBits(r, 7), `and ${x86(r)},0x7f`, [`ubfx ${arm(r)}, ${arm(r)}, #0, #7`]],
  [code => code.keepLowBits(r, 8), `and ${x86(r)},0xff`, [`ubfx ${arm(r)}, ${arm(r)}, #0, #8`]],
  ...registers.flatMap((s): Row[] => [
    [code => code.copy(r, s), `mov ${x86(r)},${x86(s)}`, [`mov ${arm(r)}, ${arm(s)}`]],
    [code => code.compareRegisters(r, s), `cmp ${x86(r)},${x86(s)}`, [`cmp ${arm(r)}, ${arm(s)}`]],
    [code => code.add(r, s), `add ${x86(r)},${x86(s)}`, [`add ${arm(r)}, ${arm(r)}, ${arm(s)}`]],
    [code => code.subtract(r, s), `sub ${x86(r)},${x86(s)}`, [`sub ${arm(r)}, ${arm(r)}, ${arm(s)}`]],
  ]),
]
const rows: readonly Row[] = [
  [code => code.systemCall(), 'syscall', ['svc #0x0']],
  ...registers.flatMap(rowsOf),
]

const withFile = <Result>(bytes: Uint8Array, use: (path: string) => Result): Result => {
  const folder = mkdtempSync(join(tmpdir(), 'lading-encoders-'))
  try {
    const path = join(folder, 'code')
    writeFileSync(path, bytes)
    return use(path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const disassemblers = [
  { machine: x86_64, program: 'objdump', flags: ['-m', 'i386:x86-64', '-M', 'intel'] },
  { machine: arm64, program: 'aarch64-linux-gnu-objdump', flags: ['-m', 'aarch64'] },
] as const

/** What binutils reads in the code; comments and padding left out. */
const disassembled = ({ program, flags }: (typeof disassemblers)[number], code: Uint8Array): string[] =>
  withFile(code, path =>
    execFileSync(program, ['-D', '-z', '-b', 'binary', ...flags, path], { encoding: 'utf8' }),
  )
    .split('\n')
    .map(line => /^\s+[0-9a-f]+:\t[0-9a-f ]+\t(.*)$/.exec(line)?.[1])
    .filter(text => text !== undefined)
    .map(text =>
      text
        .replace(/\s*(\/\/|#[^0x0-9-]| ;).*$/, '')
        .replace(/\s+/g, ' ')
        .trim(),
    )

for (const disassembler of disassemblers) {
  const { machine, program } = disassembler
  const missing = has(program) ? '' : ` [skipped: ${program} is not installed]`
  const when = missing ? test.skip : test

  when(`${machine.name}: every instruction is what objdump reads, with every register${missing}`, t => {
    const code = machine.assembler()
    for (const [ask] of rows) ask(code)
    const wanted = rows.flatMap(([, x86, arm]) => (machine === x86_64 ? [x86] : arm))
    t.deepEqual(disassembled(disassembler, code.finish()), wanted)
  })

  when(`${machine.name}: jumps go where their label is, before and behind them${missing}`, t => {
    const code = machine.assembler()
    const start = code.label()
    const end = code.label()
    code.place(start)
    for (const condition of ['equal', 'not-equal', 'less', 'less-or-equal', 'greater', 'not-below'] as const)
      code.jumpIf(condition, end)
    code.jumpIf('equal', start)
    code.jump(start)
    code.jump(end)
    code.place(end)
    code.systemCall()
    t.deepEqual(
      disassembled(disassembler, code.finish()),
      machine === x86_64
        ? [
            ...['je', 'jne', 'jl', 'jle', 'jg', 'jae'].map(name => `${name} 0x34`),
            'je 0x0',
            'jmp 0x0',
            'jmp 0x34',
            'syscall',
          ]
        : [
            ...['eq', 'ne', 'lt', 'le', 'gt', 'cs'].map(name => `b.${name} 0x24`),
            'b.eq 0x0',
            'b 0x0',
            'b 0x24',
            'svc #0x0',
          ],
    )
  })
}

test('arm64: a conditional jump that is too far is refused, not cut', t => {
  const code = arm64.assembler()
  const far = code.label()
  code.jumpIf('equal', far)
  for (let words = 0; words <= 2 ** 18; words++) code.systemCall()
  code.place(far)
  t.throws(() => code.finish(), { message: /too far for arm64/ })
})

const noReadelf = has('readelf') ? '' : ' [skipped: readelf is not installed]'
;(noReadelf ? test.skip : test)(
  `elf: readelf finds a static executable that never runs what it may write${noReadelf}`,
  t => {
    for (const [machine, name] of [
      [x86_64, 'Advanced Micro Devices X86-64'],
      [arm64, 'AArch64'],
    ] as const) {
      const file = encode([{ kind: 'call', name: 'go', call: 'chdir', args: ['/'] }], machine)
      const read = withFile(file, path => execFileSync('readelf', ['-hlW', path], { encoding: 'utf8' }))
      t.regex(read, new RegExp(`Machine: +${name}`))
      t.regex(read, /Type: +EXEC/)
      const flags = [...read.matchAll(/^ +(LOAD|GNU_STACK) .* ([R ][W ][E ]) 0x\w+$/gm)].map(
        found => `${found[1]} ${found[2]}`,
      )
      t.deepEqual(flags, ['LOAD RW ', 'LOAD R E', 'GNU_STACK RW '])
    }
  },
)

/** A program that puts every constant into a register, from there into memory, and writes all out. */
const loadAll = (machine: Machine, constants: readonly bigint[]): Buffer => {
  const data = new Data(dataAddress)
  const code = machine.assembler()
  const found = new Uint8Array(8 * constants.length)
  const address = data.buffer(found)
  const places = [...argumentRegisters, 'step', 'scratch'] as const
  constants.forEach((constant, index) => {
    const register = places[index % places.length]!
    code.move(register, ...constantHalves(constant))
    code.store(address + 8 * index, register)
  })
  const call = (name: string, ...args: number[]) => {
    for (const [index, value] of args.entries()) code.move(argumentRegisters[index]!, value)
    code.move('number', systemCallNumber(name, machine.column))
    code.systemCall()
  }
  call('write', 1, address, found.length)
  call('exit_group', 0)
  return elf(machine.elfMachine, data.finish(), code.finish())
}

// Pieces of 16 bits that are all zeros or ones are what the encoders treat in a way of their own.
const piece = fc.oneof(
  fc.constantFrom(0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff),
  fc.integer({ min: 0, max: 0xffff }),
)
const constant = fc
  .array(piece, { minLength: 4, maxLength: 4 })
  .map(pieces => pieces.reduce((number, next) => (number << 16n) | BigInt(next), 0n))

for (const processor of processors) {
  const { machine, missing } = processor
  ;(missing ? test.skip : test)(
    `${machine.name}: every 64-bit constant loads right${missing ? ` [skipped: ${missing}]` : ''}`,
    async t => {
      await fc.assert(
        fc.asyncProperty(fc.array(constant, { minLength: 400, maxLength: 400 }), async constants => {
          const { bytes } = await runFile(processor, loadAll(machine, constants))
          const loaded = constants.map((_, index) => bytes.readBigUInt64LE(8 * index))
          return loaded.every((value, index) => value === constants[index])
        }),
        { numRuns: 12 },
      )
      t.pass()
    },
  )
}

test('constantHalves: a number and the bigint of the same value have the same halves', t => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), value => {
      t.deepEqual(constantHalves(value), constantHalves(BigInt(value)))
    }),
  )
  t.deepEqual(constantHalves(-1), [0xffff_ffff, 0xffff_ffff])
  t.deepEqual(constantHalves(0xffff_ffff_ffff_ffffn), [0xffff_ffff, 0xffff_ffff])
})

const headers = ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm-generic/unistd.h']
const headerTexts = headers.map(path => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
})
const noHeaders = headerTexts.every(Boolean) ? '' : ' [skipped: the headers of Linux are not installed]'
;(noHeaders ? test.skip : test)(
  `systemCallNumber: gives the numbers of the kernel's headers${noHeaders}`,
  t => {
    for (const column of [0, 1] as const) {
      // The generic header says fstatat, statfs, lseek … once for 32 and 64 bits.
      const numbers = new Map(
        [...headerTexts[column]!.matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm)].map(found => [
          found[1] === 'fstatat' ? 'newfstatat' : found[1],
          Number(found[2]),
        ]),
      )
      for (const name of systemCalls) t.is(systemCallNumber(name, column), numbers.get(name)!, name)
    }
  },
)
