import { cpus } from 'node:os'
import { LadingError } from '../../spec/errors.js'
import type { Resources } from '../settings.js'
import { badFlag } from './flag-errors.js'
import type { ContainerFlags } from './flags.js'

/** Binary units, as docker counts memory: `64m` are 67108864 bytes. Throws USAGE. */
export const parseMemory = (flag: string, text: string): number => {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?) ?([bkmgtp]?)(?:i?b)?$/i.exec(text) ?? []
  if (count === undefined) throw badFlag(flag, text, `invalid size: '${text}'`)
  return Math.floor(Number(count) * 1024 ** Math.max(0, 'bkmgtp'.indexOf(unit.toLowerCase() || 'b')))
}

const smallest = 6 << 20

/** Checked as docker's daemon checks them (daemon_unix.go, verifyPlatformContainerResources). Throws USAGE. */
export const resourcesOf = (flags: ContainerFlags, processors?: number): Resources => {
  const memory = flags.memory === undefined ? 0 : parseMemory('-m, --memory', flags.memory)
  const memorySwap =
    flags.memorySwap === undefined
      ? 0
      : flags.memorySwap === '-1'
        ? -1
        : parseMemory('--memory-swap', flags.memorySwap)
  if (memory !== 0 && memory < smallest) throw refused('Minimum memory limit allowed is 6MB')
  if (memorySwap > 0 && memory === 0)
    throw refused('You should always set the Memory limit when using Memoryswap limit, see usage')
  if (memorySwap > 0 && memorySwap < memory)
    throw refused('Minimum memoryswap limit should be larger than memory limit, see usage')
  const nanoCpus = flags.cpus === undefined ? 0 : parseCpus(flags.cpus, processors ?? cpus().length)
  const cpuShares = integer('-c, --cpu-shares', flags.cpuShares)
  const pids = integer('--pids-limit', flags.pidsLimit)
  if (flags.cpusetCpus !== undefined && !/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(flags.cpusetCpus))
    throw refused(`Invalid value ${flags.cpusetCpus} for cpuset cpus`)
  return {
    ...(memory > 0 && { memory }),
    ...(memorySwap !== 0 && { memorySwap }),
    ...(nanoCpus > 0 && { nanoCpus }),
    ...(cpuShares > 0 && { cpuShares }),
    ...(flags.cpusetCpus !== undefined && { cpusetCpus: flags.cpusetCpus }),
    ...(pids > 0 && { pids }),
  }
}

const refused = (message: string): LadingError => new LadingError('USAGE', message)

const integer = (flag: string, text: string | undefined): number => {
  if (text === undefined) return 0
  if (!/^-?\d{1,15}$/.test(text)) throw badFlag(flag, text, `parsing "${text}": invalid syntax`)
  return Number(text)
}

const parseCpus = (text: string, processors: number): number => {
  const count = Number(text)
  if (!/^\d*\.?\d+$/.test(text)) throw badFlag('--cpus', text, 'failed to parse as a rational number')
  if (count !== 0 && (count < 0.01 || count > processors))
    throw refused(
      `Range of CPUs is from 0.01 to ${processors}.00, as there are only ${processors} CPUs available`,
    )
  return Math.round(count * 1e9)
}

const ulimitNames =
  'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ')

/** `NAME=SOFT[:HARD]`, −1 for no limit (docker go-units ParseUlimit). Throws USAGE. */
export const parseUlimit = (text: string): { name: string; soft: number; hard: number } => {
  const wrong = (problem: string) => badFlag('--ulimit', text, problem)
  const [, name, softText, hardText = softText] = /^(\w+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? []
  if (name === undefined) throw wrong(`invalid ulimit argument: ${text}`)
  if (!ulimitNames.includes(name)) throw wrong(`invalid ulimit type: ${name}`)
  const [soft, hard] = [Number(softText), Number(hardText)]
  if (hard !== -1 && (soft === -1 || soft > hard))
    throw wrong(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`)
  return { name, soft, hard }
}
