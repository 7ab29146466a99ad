/**
 * Standing still without control groups, as an ordinary user's containers have none: by SIGSTOP for every process. A
 * container's first process, which nothing inside can stop, tells by its state whether that was done. Programs can notice: what
 * had stopped itself goes on with the others, and SIGCONT can be handled.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { readStat } from './process-identity.js'

/** What a control group can do, or signals. */
export interface Freezer {
  /** Stop all processes where they are; they stand still when this resolves. Idempotent. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Throws when there is nothing left that could. */
  frozen(): Promise<boolean>
}

/** How long processes may take to stop: one that waits for a disk does not at once. */
const patience = 5_000

/** `first`: the first process of a container that runs. */
export const signalFreezer = (first: number): Freezer => ({
  freeze: async () => {
    const deadline = Date.now() + patience
    for (;;) {
      // Whoever was just being made is there when the others stand.
      const moving = processesOf(first).filter(pid => !hasStopped(pid))
      if (moving.length === 0) return
      for (const pid of moving) send(pid, 'SIGSTOP')
      if (Date.now() > deadline)
        throw new LadingError('LOCKED', `Cannot stop the processes ${moving.join(', ')}: they do not obey`)
      await sleep(1)
    }
  },
  // Children first: who waits for them does not find them stopped.
  thaw: async () => {
    for (const pid of processesOf(first).toReversed()) send(pid, 'SIGCONT')
  },
  frozen: async () => {
    const { state = 'Z' } = stateOf(first) ?? {}
    if (/[ZX]/.test(state)) throw new LadingError('NOT_FOUND', `The process ${first} has ended`)
    return state === 'T'
  },
})

/** Those in the PID namespace of the first, and what has begun in a namespace below it; parents before children, mostly. */
const processesOf = (first: number): readonly number[] => {
  const namespace = namespaceOf(first)
  if (namespace === undefined) return []
  const found = new Set<number>()
  const all = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(Number)
  for (const pid of all) {
    const parent = stateOf(pid)?.parent
    if (parent !== undefined && (found.has(parent) || namespaceOf(pid) === namespace)) found.add(pid)
  }
  return [...found]
}

const namespaceOf = (pid: number): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    // Gone, or nobody's that we may look at.
    return undefined
  }
}

const stateOf = (pid: number): { readonly state: string; readonly parent: number } | undefined => {
  const { fields } = readStat(pid) ?? {}
  return fields && { state: fields[0] ?? '', parent: Number(fields[1]) }
}

/** Stopped, traced, or dead. */
const hasStopped = (pid: number): boolean => /^[TtZX]?$/.test(stateOf(pid)?.state ?? '')

const send = (pid: number, signal: 'SIGSTOP' | 'SIGCONT'): void => {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
