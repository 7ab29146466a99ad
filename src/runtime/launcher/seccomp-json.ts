import { release } from 'node:os'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { isObject, type JsonObject, type JsonValue } from '../../spec/json.js'
import type { MachineName } from './every-system-call.js'
import type {
  ArgumentTest,
  Comparison,
  SeccompAction,
  SeccompProfile,
  SeccompRule,
} from './seccomp-profile.js'

/**
 * Profiles of seccomp in docker's format, or runtime-spec's, which is a part of it (moby profiles/seccomp/seccomp.go): the actions by
 * libseccomp's names, `includes` and `excludes` by capabilities, GOARCH and kernel. Its architectures are not looked at: a filter is
 * for the machine that it is made on. Throws USAGE for what is no profile, UNSUPPORTED for actions that need somebody to ask.
 */
export const parseSeccompProfile = (json: JsonValue, kernel = release()): SeccompProfile => {
  if (!isObject(json)) throw bad('it is no object')
  const fallback = json.defaultErrnoRet ?? eperm
  return {
    otherwise: actionOf(json.defaultAction, fallback),
    rules: list(json.syscalls)
      .map(object)
      .filter(rule => isForKernel(rule, kernel))
      .map(ruleOf),
  }
}

const eperm = 1

const bad = (problem: string): LadingError =>
  new LadingError('USAGE', `Decoding seccomp profile failed: ${problem}`)

const list = (value: JsonValue | undefined): readonly JsonValue[] => {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  throw bad(`${shown(value)} is no list`)
}
const object = (value: JsonValue | undefined): JsonObject => {
  if (isObject(value)) return value
  throw bad(`${shown(value)} is no object`)
}
const texts = (value: JsonValue | undefined): readonly string[] =>
  list(value).map(item => {
    if (typeof item === 'string') return item
    throw bad(`${shown(item)} is no text`)
  })
const count = (value: JsonValue | undefined, most = Number.MAX_SAFE_INTEGER): number => {
  if (value === undefined) return 0
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most) return value
  throw bad(`${shown(value)} is no number from 0 to ${most}`)
}
const shown = (value: JsonValue | undefined): string =>
  visible(JSON.stringify(value) ?? 'nothing').slice(0, 60)

const actions: Readonly<Record<string, Exclude<SeccompAction, object>>> = {
  SCMP_ACT_ALLOW: 'allow',
  SCMP_ACT_LOG: 'log',
  SCMP_ACT_TRAP: 'trap',
  SCMP_ACT_KILL: 'kill-thread',
  SCMP_ACT_KILL_THREAD: 'kill-thread',
  SCMP_ACT_KILL_PROCESS: 'kill-process',
}

const actionOf = (name: JsonValue | undefined, errno: JsonValue): SeccompAction => {
  if (name === 'SCMP_ACT_ERRNO') return { errno: count(errno, 4095) }
  if (name === 'SCMP_ACT_TRACE' || name === 'SCMP_ACT_NOTIFY')
    throw new LadingError('UNSUPPORTED', `The seccomp profile has ${name}: there is nobody here to ask`)
  if (typeof name === 'string' && Object.hasOwn(actions, name)) return actions[name]!
  throw bad(`${shown(name)} is no action`)
}

const isForKernel = (rule: JsonObject, kernel: string): boolean => {
  const least = isObject(rule.includes) ? rule.includes.minKernel : undefined
  if (least === undefined || least === null) return true
  if (typeof least !== 'string' || !/^\d+\.\d+$/.test(least))
    throw bad(`${shown(least)} is no kernel version`)
  const [wanted, there] = [least, kernel].map(text => text.split('.').map(Number.parseInt)) as [
    number[],
    number[],
  ]
  return there[0]! !== wanted[0]! ? there[0]! > wanted[0]! : there[1]! >= wanted[1]!
}

const machines: Readonly<Record<string, MachineName>> = { amd64: 'x86-64', arm64: 'arm64' }

const ruleOf = (rule: JsonObject): SeccompRule => {
  const [includes, excludes] = [object(rule.includes ?? {}), object(rule.excludes ?? {})]
  const names = rule.name === undefined ? texts(rule.names) : texts([rule.name])
  const [only, never] = [texts(includes.arches), texts(excludes.arches)]
  const isFor = (arch: string) => (only.length === 0 || only.includes(arch)) && !never.includes(arch)
  return {
    names,
    action: actionOf(rule.action, rule.errnoRet ?? eperm),
    tests: list(rule.args).map(object).map(testOf),
    capabilities: texts(includes.caps).map(capabilityName),
    withoutCapabilities: texts(excludes.caps).map(capabilityName),
    machines: Object.keys(machines)
      .filter(isFor)
      .map(arch => machines[arch]!),
  }
}

const capabilityName = (name: string): string => name.toLowerCase().replace(/^cap_/, '')

const comparisons: Readonly<Record<string, Comparison>> = {
  SCMP_CMP_EQ: 'equal',
  SCMP_CMP_NE: 'not-equal',
  SCMP_CMP_LT: 'less',
  SCMP_CMP_LE: 'less-or-equal',
  SCMP_CMP_GT: 'greater',
  SCMP_CMP_GE: 'greater-or-equal',
  SCMP_CMP_MASKED_EQ: 'masked-equal',
}

const testOf = ({ index, op, value, valueTwo }: JsonObject): ArgumentTest => {
  if (typeof op !== 'string' || !Object.hasOwn(comparisons, op)) throw bad(`${shown(op)} is no comparison`)
  const is = comparisons[op]!
  const common = { index: count(index, 5), is, wide: true } as const
  if (is === 'masked-equal') return { ...common, mask: count(value), value: count(valueTwo) }
  return { ...common, value: count(value) }
}
