import type { MachineName } from '../launcher/every-system-call.js'
import { type ArgumentTest, defaultProfile } from '../launcher/seccomp-profile.js'

const architectures = { 'x86-64': 'SCMP_ARCH_X86_64', arm64: 'SCMP_ARCH_AARCH64' } as const
const operators = { equal: 'SCMP_CMP_EQ', less: 'SCMP_CMP_LT', greater: 'SCMP_CMP_GT' } as const
const eperm = 1

/** The same profile as launcher/seccomp.ts has, in the words of runtime-spec config-linux.md, "Seccomp". */
export const bundleSeccomp = (capabilities: readonly string[], machine: MachineName) => ({
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: eperm,
  architectures: [architectures[machine]],
  syscalls: defaultProfile
    .filter(rule => rule.capability === undefined || capabilities.includes(rule.capability))
    .filter(rule => rule.withoutCapability === undefined || !capabilities.includes(rule.withoutCapability))
    .filter(rule => !rule.machines || rule.machines.includes(machine))
    .map(({ names, errno, argument }) => ({
      names,
      action: errno === undefined ? 'SCMP_ACT_ALLOW' : 'SCMP_ACT_ERRNO',
      ...(errno !== undefined && { errnoRet: errno }),
      ...(argument && { args: [bundleArgument(argument)] }),
    })),
})

const bundleArgument = (test: ArgumentTest) =>
  test.is === 'masked-equal'
    ? { index: test.index, value: test.mask, valueTwo: test.value, op: 'SCMP_CMP_MASKED_EQ' }
    : { index: test.index, value: test.value, op: operators[test.is] }
