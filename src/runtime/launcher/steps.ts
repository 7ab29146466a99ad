import { constants } from 'node:fs'
import type { CallStep, Label, ProgramStep, Slot, Value } from './program.js'

/** Words that the builders of programs share. */

/** One system call; `name` as an error is to say it. */
export const call = (
  name: string,
  systemCall: string,
  args: readonly Value[],
  more: Pick<CallStep, 'onError' | 'save' | 'ifZero' | 'ifPositive'> = {},
): CallStep => ({ kind: 'call', name, call: systemCall, args, ...more })

export const label = ({ label }: Label): ProgramStep => ({ kind: 'label', label })

/**
 * Gives out slots and labels that no other part of a program has: a root file system's own steps number theirs
 * from 0.
 */
export class Names {
  #slots = 1000
  #labels = 0

  slot(): Slot {
    return { slot: this.#slots++ }
  }

  label(about: string): Label {
    return { label: `${about} (${++this.#labels})` }
  }
}

/** "The current folder" for calls that take a folder's descriptor. */
export const here = -100

export const closeOnExec = 0o2000000
/** O_PATH: a place, not to be read. */
export const place = 0o10000000 | closeOnExec
/** A folder itself, no symbolic link to one. */
export const folderItself = place | constants.O_DIRECTORY | constants.O_NOFOLLOW
export const emptyPath = 0x1000

export const fileKinds = { regular: 0o100000, character: 0o020000, block: 0o060000 } as const

/** 32 bits, little-endian. */
export const words32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, 4 * index)
  return bytes
}

/** 64 bits, little-endian. */
export const words64 = (...values: readonly (number | bigint)[]): Buffer => {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [index, value] of values.entries())
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), 8 * index)
  return bytes
}

/** Open with openat, in a folder or by an absolute path; the descriptor goes to `save`. */
export const open = (
  name: string,
  folder: Slot | typeof here,
  path: string,
  flags: number,
  save: Slot,
  more: Pick<CallStep, 'onError'> = {},
): CallStep => call(name, 'openat', [folder, path, flags, 0], { save, ...more })

export const close = (slot: Slot, name = 'close a descriptor'): CallStep => call(name, 'close', [slot])

/** RESOLVE_* of openat2(2): no symbolic links at all; or those of file systems only, and none out of the root. */
export const noLinks = 0x06
export const insideRoot = 0x02 | 0x10

/** struct open_how. */
export const openHow = (flags: number, resolve: number): Buffer => words64(flags, 0, resolve)
export const openHowLength = 24
