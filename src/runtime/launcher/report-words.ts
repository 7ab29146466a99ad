import { errnoName } from './errno.js'
import type { Program } from './program.js'

/**
 * What a program says on the reports descriptor: 64-bit little-endian words. Most are numbers that a step of the
 * program wrote there, such as a process number or a wait status. A failing step writes the magic in the upper
 * half, its index in the next 16 bits and the errno in the lowest.
 */
export const failureMagic = 0x4c_44_46_21
export const failureStatus = 125

/** Why a program ended: `mount proc on /proc` and `EPERM`. */
export interface LaunchFailure {
  readonly step: string
  readonly errno: string
}

/** What one word says. */
export type ReportWord = { readonly report: number } | { readonly failure: LaunchFailure }

/** `bytes`: 8 of them at `at`. Numbers beyond 2^53 lose their lowest bits. */
export const readReportWord = (program: Program, bytes: Buffer, at: number): ReportWord => {
  const low = bytes.readUInt32LE(at)
  const high = bytes.readInt32LE(at + 4)
  if (high !== failureMagic) return { report: high * 0x1_0000_0000 + low }
  return { failure: { step: stepName(program, low >>> 16), errno: errnoName(low & 0xffff) } }
}

const stepName = (program: Program, index: number): string => {
  const step = program[index]
  return step && 'name' in step ? step.name : `step ${index + 1}`
}
