import type { MachineName } from '../launcher/every-system-call.js'
import type { ArgumentTest, SeccompAction, SeccompProfile } from '../launcher/seccomp-profile.js'

const architectures = { 'x86-64': 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' } as const
const operators = {
  equal: 'SCMP_CMP_EQ',
  'not-equal': 'SCMP_CMP_NE',
  less: 'SCMP_CMP_LT',
  'less-or-equal': 'SCMP_CMP_LE',
  greater: 'SCMP_CMP_GT',
  'greater-or-equal': 'SCMP_CMP_GE',
} as const
const actions = {
  allow: 'SCMP_ACT_ALLOW',
  log: 'SCMP_ACT_LOG',
  trap: 'SCMP_ACT_TRAP',
  'kill-thread': 'SCMP_ACT_KILL_THREAD',
  'kill-process': 'SCMP_ACT_KILL_PROCESS',
} as const

/** The same profile as launcher/seccomp.ts has, in the words of runtime-spec config-linux.md, "Seccomp". */
export const bundleSeccomp = (
  { otherwise, rules }: SeccompProfile,
  capabilities: readonly string[],
  machine: MachineName,
) => ({
  defaultAction: nameOf(otherwise),
  ...(typeof otherwise === 'object' && { defaultErrnoRet: otherwise.errno }),
  architectures: [architectures[machine]],
  syscalls: rules
    .filter(rule => rule.capabilities?.every(name => capabilities.includes(name)) ?? true)
    .filter(rule => !rule.withoutCapabilities?.some(name => capabilities.includes(name)))
    .filter(rule => rule.machines?.includes(machine) ?? true)
    .map(({ names, action = 'allow', tests = [] }) => ({
      ...{ names, action: nameOf(action) },
      ...(typeof action === 'object' && { errnoRet: action.errno }),
      ...(tests.length > 0 && { args: tests.map(bundleArgument) }),
    })),
})

const nameOf = (action: SeccompAction): string =>
  typeof action === 'object' ? 'SCMP_ACT_ERRNO' : actions[action]

const bundleArgument = ({ index, is, value, mask }: ArgumentTest) =>
  is === 'masked-equal'
    ? { index, value: mask, valueTwo: value, op: 'SCMP_CMP_MASKED_EQ' }
    : { index, value, op: operators[is] }
