import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { ProcessSettings } from '../settings.js'

/** For prlimit(2). */
export interface Limit {
  readonly name: string
  readonly resource: number
  readonly soft: bigint
  readonly hard: bigint
}

/** By number, from asm-generic/resource.h, with the words that /proc/PID/limits has for them. */
const resources = [
  ['cpu', 'Max cpu time'],
  ['fsize', 'Max file size'],
  ['data', 'Max data size'],
  ['stack', 'Max stack size'],
  ['core', 'Max core file size'],
  ['rss', 'Max resident set'],
  ['nproc', 'Max processes'],
  ['nofile', 'Max open files'],
  ['memlock', 'Max locked memory'],
  ['as', 'Max address space'],
  ['locks', 'Max file locks'],
  ['sigpending', 'Max pending signals'],
  ['msgqueue', 'Max msgqueue size'],
  ['nice', 'Max nice priority'],
  ['rtprio', 'Max realtime priority'],
  ['rttime', 'Max realtime timeout'],
] as const

const unlimited = 0xffff_ffff_ffff_ffffn
const numberOf = (value: number): bigint => (value < 0 ? unlimited : BigInt(value))
const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/**
 * The limits that a container is to have; −1 is no limit. Without CAP_SYS_RESOURCE nobody may raise a hard limit,
 * so they are lowered to those of this process: `hostLimits`, the text of /proc/self/limits. USAGE for unknown ones.
 */
export const limitsOf = (
  rlimits: ProcessSettings['rlimits'],
  host: { readonly limits: string; readonly mayRaise: boolean },
): readonly Limit[] =>
  rlimits.map(({ name, soft, hard }) => {
    const resource = resources.findIndex(([known]) => known === name.toLowerCase())
    if (resource < 0)
      throw new LadingError(
        'USAGE',
        `Unknown limit "${visible(name)}": give one of ${resources.map(([known]) => known).join(', ')}`,
      )
    const ceiling = host.mayRaise ? unlimited : hardLimit(host.limits, resources[resource]![1])
    const highest = least(numberOf(hard), ceiling)
    return { name: resources[resource]![0], resource, hard: highest, soft: least(numberOf(soft), highest) }
  })

const hardLimit = (limits: string, title: string): bigint => {
  const line = limits.split('\n').find(line => line.startsWith(`${title} `))
  const hard = line?.slice(title.length).trim().split(/\s+/)[1]
  return hard === undefined || hard === 'unlimited' ? unlimited : BigInt(hard)
}
