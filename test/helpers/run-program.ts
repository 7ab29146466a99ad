import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { arm64 } from '../../src/runtime/launcher/arm64.js'
import type { Machine } from '../../src/runtime/launcher/assembler.js'
import { encode } from '../../src/runtime/launcher/encode.js'
import type { Program } from '../../src/runtime/launcher/program.js'
import { x86_64 } from '../../src/runtime/launcher/x86-64.js'
import { has } from './programs.js'

/** A machine whose programs can be run here: by the kernel itself, or by an emulator of user programs. */
export interface Processor {
  readonly machine: Machine
  readonly emulator: readonly string[]
  /** Why its programs cannot be run. */
  readonly missing: string | undefined
}

const processor = (machine: Machine, arch: string, emulators: readonly string[]): Processor => {
  if (process.platform !== 'linux') return { machine, emulator: [], missing: 'not on Linux' }
  if (process.arch === arch) return { machine, emulator: [], missing: undefined }
  const emulator = emulators.find(has)
  return {
    machine,
    emulator: emulator === undefined ? [] : [emulator],
    missing: emulator === undefined ? `${emulators[0]} is not installed` : undefined,
  }
}

export const processors: readonly Processor[] = [
  processor(x86_64, 'x64', ['qemu-x86_64-static', 'qemu-x86_64']),
  processor(arm64, 'arm64', ['qemu-aarch64-static', 'qemu-aarch64']),
]

export interface Ended {
  /** The exit status, or the name of the signal. */
  readonly status: number | NodeJS.Signals
  readonly stdout: string
  /** The words that it wrote to descriptor 4. */
  readonly reports: readonly bigint[]
}

/** Run an executable for the processor; `during` may talk to it. */
export const runFile = async (
  { emulator }: Processor,
  file: Uint8Array,
  during: (child: ChildProcess, output: Readable) => Promise<void> = async () => {},
): Promise<Ended & { readonly bytes: Buffer }> => {
  const folder = mkdtempSync(join(tmpdir(), 'lading-program-'))
  try {
    const path = join(folder, 'program')
    writeFileSync(path, file, { mode: 0o700 })
    const [program, ...args] = [...emulator, path]
    const child = spawn(program!, args, { env: {}, stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'] })
    const [, output, , , reports] = child.stdio as [Writable, Readable, null, Writable, Readable]
    const seen = [output, reports].map(stream => {
      const chunks: Buffer[] = []
      stream.on('data', chunk => chunks.push(chunk))
      return chunks
    })
    for (const stream of child.stdio) stream?.on('error', () => {})
    const closed = once(child, 'close')
    await during(child, output)
    const [status, signal] = await closed
    const [bytes, words] = seen.map(chunks => Buffer.concat(chunks)) as [Buffer, Buffer]
    return {
      status: signal ?? status,
      stdout: bytes.toString(),
      bytes,
      reports: Array.from({ length: words.length / 8 }, (_, index) => words.readBigInt64LE(8 * index)),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Run a program of steps for the processor. */
export const runProgram = (
  processor: Processor,
  program: Program,
  during?: (child: ChildProcess, output: Readable) => Promise<void>,
): Promise<Ended> => runFile(processor, encode(program, processor.machine), during)
