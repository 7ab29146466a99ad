import { readFileSync } from 'node:fs'
import test from 'ava'
import { capabilityNames, defaultCapabilities } from '../../src/runtime/launcher/capabilities.js'
import { everySystemCall, machineNames } from '../../src/runtime/launcher/every-system-call.js'
import { seccompFilter } from '../../src/runtime/launcher/seccomp.js'
import { parseSeccompProfile } from '../../src/runtime/launcher/seccomp-json.js'
import { defaultProfile } from '../../src/runtime/launcher/seccomp-profile.js'
import { systemCallNumber, systemCalls } from '../../src/runtime/launcher/system-calls.js'
import type { JsonValue } from '../../src/spec/json.js'
import { runFilter, seccompData } from './bpf-machine.js'

const architectures = { 'x86-64': 0xc000_003e, arm64: 0xc000_00b7 } as const
const allow = 0x7fff_0000
const errno = (number: number) => 0x5_0000 | number
const [eperm, enosys] = [1, 38]

interface DockerProfile {
  readonly syscalls: readonly {
    readonly names: readonly string[]
    readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO'
    readonly errnoRet?: number
    readonly args?: readonly { index: number; value: number; valueTwo?: number; op: string }[]
  }[]
}
const docker = JSON.parse(readFileSync('test/runtime/docker-20.10-seccomp.json', 'utf8')) as DockerProfile

/** What libseccomp makes of Docker's rules for one call, worked out rule by rule. */
const dockerAnswer = (name: string, first: bigint): number => {
  const rules = docker.syscalls.filter(rule => rule.names.includes(name))
  for (const rule of rules) {
    const holds = (rule.args ?? []).every(({ value, valueTwo, op }) =>
      op === 'SCMP_CMP_EQ' ? first === BigInt(value) : (first & BigInt(value)) === BigInt(valueTwo ?? 0),
    )
    if (holds) return rule.action === 'SCMP_ACT_ALLOW' ? allow : errno(rule.errnoRet ?? eperm)
  }
  return errno(eperm)
}

const firstArguments = [
  ...[0n, 1n, 2n, 8n, 10n, 16n, 17n, 38n, 39n, 40n, 41n, 0x2_0000n, 0x2_0008n, 0xffff_ffffn],
  // SIGCHLD with CLONE_NEWUSER, with CLONE_NEWNS, with thread flags.
  ...[0x1000_0011n, 0x2_0011n, 0x3d_0f00n],
]

/** Younger than Docker 20.10's profile, and harmless; moby has added them since. */
const since = new Set(
  `cachestat fchmodat2 futex_requeue futex_wait futex_wake getxattrat listmount listxattrat map_shadow_stack mseal
   name_to_handle_at pkey_alloc pkey_free pkey_mprotect process_vm_readv process_vm_writev removexattrat setxattrat
   statmount uretprobe`.split(/\s+/),
)
/** Found dangerous since: moby has taken them away. */
const gone = new Set(['io_uring_setup', 'io_uring_enter', 'io_uring_register'])

test('seccompFilter answers every call of x86-64 as Docker 20.10 does, but for what moby has changed since', t => {
  const filter = seccompFilter(defaultProfile, defaultCapabilities, 'x86-64')
  const changed = { allowed: new Set<string>(), refused: new Set<string>() }
  for (const [name, number] of everySystemCall('x86-64'))
    for (const first of firstArguments) {
      const ours = runFilter(filter, seccompData(architectures['x86-64'], number, [first]))
      const theirs = dockerAnswer(name, first)
      if (ours === theirs) continue
      if (ours === allow) changed.allowed.add(name)
      else if (name === 'socket') t.true(first === 38n || first === 40n, 'AF_ALG and AF_VSOCK only')
      // Docker 20.10 knows nothing above futex_waitv; runc answers ENOSYS there, and we from our own highest on.
      else if (ours === errno(enosys)) t.true(number > 449, name)
      else changed.refused.add(name)
    }
  t.deepEqual([...changed.allowed].sort(), [...since].filter(name => name !== '').sort())
  t.deepEqual([...changed.refused].sort(), [...gone].sort())
})

test('seccompFilter refuses what no rule names with EPERM and what is newer than every rule with ENOSYS', t => {
  for (const machine of machineNames) {
    const filter = seccompFilter(defaultProfile, defaultCapabilities, machine)
    const answer = (number: number) => runFilter(filter, seccompData(architectures[machine], number))
    const numbers = everySystemCall(machine)
    t.is(answer(numbers.get('mount')!), errno(eperm))
    t.is(answer(numbers.get('bpf')!), errno(eperm))
    t.is(answer(numbers.get('clone3')!), errno(enosys))
    t.is(answer(467), errno(enosys))
    // x32 calls of x86-64.
    t.is(answer(0x4000_0000), errno(enosys))
  }
})

test('seccompFilter refuses calls of another machine, whose numbers mean other calls', t => {
  const filter = seccompFilter(defaultProfile, defaultCapabilities, 'x86-64')
  const i386 = 0x4000_0003
  for (let number = 0; number < 500; number++)
    t.is(runFilter(filter, seccompData(i386, number)), errno(eperm))
})

test('seccompFilter of both machines allows the same calls by name, as far as both have them', t => {
  const filters = machineNames.map(machine => seccompFilter(defaultProfile, defaultCapabilities, machine))
  const [x86, arm] = machineNames.map(everySystemCall)
  for (const [name, number] of x86!) {
    const other = arm!.get(name)
    if (other === undefined || name === 'sync_file_range2') continue
    for (const first of firstArguments)
      t.is(
        runFilter(filters[0]!, seccompData(architectures['x86-64'], number, [first])),
        runFilter(filters[1]!, seccompData(architectures.arm64, other, [first])),
        name,
      )
  }
})

test('seccompFilter is not evaded by the upper half of an argument', t => {
  const filter = seccompFilter(defaultProfile, defaultCapabilities, 'x86-64')
  const socket = everySystemCall('x86-64').get('socket')!
  t.is(runFilter(filter, seccompData(architectures['x86-64'], socket, [0x1_0000_0026n])), errno(eperm))
  const clone = everySystemCall('x86-64').get('clone')!
  t.is(runFilter(filter, seccompData(architectures['x86-64'], clone, [0xf_1000_0011n])), errno(eperm))
})

test('seccompFilter gives with a capability the calls that are of no use without it', t => {
  const numbers = everySystemCall('x86-64')
  const answers = (capability: string, name: string) => {
    const given = [...defaultCapabilities, capability]
    const data = seccompData(architectures['x86-64'], numbers.get(name)!, [0x1000_0011n])
    return [defaultCapabilities, given].map(names =>
      runFilter(seccompFilter(defaultProfile, names, 'x86-64'), data),
    )
  }
  const cases = [
    ...['mount', 'unshare', 'setns', 'bpf', 'clone'].map(name => ['sys_admin', name] as const),
    ...([
      ['sys_boot', 'reboot'],
      ['sys_module', 'init_module'],
      ['sys_time', 'clock_settime'],
      ['dac_read_search', 'open_by_handle_at'],
      ['bpf', 'bpf'],
      ['perfmon', 'perf_event_open'],
      ['syslog', 'syslog'],
    ] as const),
  ]
  for (const [capability, name] of cases)
    t.deepEqual(answers(capability, name), [errno(eperm), allow], `${capability} ${name}`)
  t.deepEqual(answers('sys_admin', 'clone3'), [errno(enosys), allow])
})

test('seccompFilter takes fewer instructions than the kernel has room for', t => {
  for (const machine of machineNames)
    for (const names of [[], defaultCapabilities, capabilityNames]) {
      const length = seccompFilter(defaultProfile, names, machine).length / 8
      t.true(length > 50 && length < 1000, `${machine}: ${length}`)
    }
})

test('everySystemCall has the numbers that programs are encoded with', t => {
  for (const [column, machine] of machineNames.entries())
    for (const name of systemCalls)
      t.is(everySystemCall(machine).get(name), systemCallNumber(name, column as 0 | 1), `${machine} ${name}`)
})

test('parseSeccompProfile: of the profile of Docker 20.10 comes a filter that answers as libseccomp does', t => {
  const profile = parseSeccompProfile(docker as unknown as JsonValue)
  const filter = seccompFilter(profile, defaultCapabilities, 'x86-64')
  const known = new Set(docker.syscalls.flatMap(({ names }) => names))
  const highest = Math.max(...[...known].map(name => everySystemCall('x86-64').get(name) ?? 0))
  for (const [name, number] of everySystemCall('x86-64'))
    for (const first of [...firstArguments, 0x1_0000_0008n]) {
      const answer = runFilter(filter, seccompData(architectures['x86-64'], number, [first]))
      t.is(answer, number > highest ? errno(enosys) : dockerAnswer(name, first), `${name} ${first}`)
    }
})

const profileWith = (rule: object, more: object = {}) =>
  parseSeccompProfile(
    {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ names: ['read'], action: 'SCMP_ACT_ERRNO', ...rule }],
      ...more,
    } as JsonValue,
    '6.1.0-test',
  )
const read = everySystemCall('x86-64').get('read')!
const answerOf = (
  profile: ReturnType<typeof profileWith>,
  values: readonly bigint[] = [],
  capabilities: readonly string[] = [],
) =>
  runFilter(
    seccompFilter(profile, capabilities, 'x86-64'),
    seccompData(architectures['x86-64'], read, [...values]),
  )

test('parseSeccompProfile: every comparison is of 64 bits, and all of a rule must hold', t => {
  const values = [0n, 1n, 5n, 0x8000_0000n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0005n, 0xf_ffff_ffff_fffen]
  const holds: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
    SCMP_CMP_EQ: (a, b) => a === b,
    SCMP_CMP_NE: (a, b) => a !== b,
    SCMP_CMP_LT: (a, b) => a < b,
    SCMP_CMP_LE: (a, b) => a <= b,
    SCMP_CMP_GT: (a, b) => a > b,
    SCMP_CMP_GE: (a, b) => a >= b,
    SCMP_CMP_MASKED_EQ: (a, b) => (a & b) === 5n,
  }
  for (const [op, isTrue] of Object.entries(holds))
    for (const value of values) {
      const test = { index: 1, value: Number(value), valueTwo: 5, op }
      const one = profileWith({ args: [test] })
      const both = profileWith({ args: [test, { index: 0, value: 7, op: 'SCMP_CMP_EQ' }] })
      for (const argument of values) {
        const wanted = isTrue(argument, value) ? errno(eperm) : allow
        t.is(answerOf(one, [7n, argument]), wanted, `${argument} ${op} ${value}`)
        t.is(answerOf(both, [7n, argument]), wanted)
        t.is(answerOf(both, [8n, argument]), allow)
      }
    }
})

test('parseSeccompProfile: actions, capabilities, machines and kernels', t => {
  const action = (name: string) => answerOf(profileWith({ action: name }))
  t.deepEqual(
    ['SCMP_ACT_ALLOW', 'SCMP_ACT_LOG', 'SCMP_ACT_TRAP', 'SCMP_ACT_KILL', 'SCMP_ACT_KILL_PROCESS'].map(action),
    [allow, 0x7ffc_0000, 0x3_0000, 0, 0x8000_0000],
  )
  t.is(answerOf(profileWith({ errnoRet: 99 })), errno(99))
  const others = { defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 7 }
  t.is(answerOf(profileWith({ names: ['write'] }, others)), errno(7))
  const needs = profileWith({ includes: { caps: ['CAP_SYS_ADMIN', 'CAP_KILL'] } })
  t.deepEqual(
    [answerOf(needs, [], ['kill']), answerOf(needs, [], ['kill', 'sys_admin'])],
    [allow, errno(eperm)],
  )
  const without = profileWith({ excludes: { caps: ['CAP_KILL'] } })
  t.deepEqual([answerOf(without, [], ['kill']), answerOf(without)], [allow, errno(eperm)])
  t.is(answerOf(profileWith({ includes: { arches: ['arm64', 's390x'] } })), allow)
  t.is(answerOf(profileWith({ excludes: { arches: ['amd64'] } })), allow)
  t.is(answerOf(profileWith({ includes: { arches: ['amd64'] } })), errno(eperm))
  t.is(answerOf(profileWith({ includes: { minKernel: '6.2' } })), allow)
  t.is(answerOf(profileWith({ includes: { minKernel: '5.12' } })), errno(eperm))
  t.is(answerOf(profileWith({ name: 'read', names: undefined })), errno(eperm))
  // Numbers that are newer are allowed where what is refused is named; x32 never.
  const data = (number: number) => seccompData(architectures['x86-64'], number)
  const filter = seccompFilter(profileWith({}), [], 'x86-64')
  t.deepEqual([runFilter(filter, data(999)), runFilter(filter, data(0x4000_0001))], [allow, errno(enosys)])
})

test('parseSeccompProfile: what is no profile is told', t => {
  const problems = [
    [[], 'it is no object'],
    [{}, 'nothing is no action'],
    [{ defaultAction: 'SCMP_ACT_MAYBE' }, '"SCMP_ACT_MAYBE" is no action'],
    [{ defaultAction: 'constructor' }, '"constructor" is no action'],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: {} }, '{} is no list'],
    [{ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: [1], action: 'SCMP_ACT_LOG' }] }, '1 is no text'],
    [{ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 5000 }, '5000 is no number from 0 to 4095'],
  ] as const
  for (const [json, problem] of problems)
    t.throws(() => parseSeccompProfile(json as JsonValue), {
      message: `Decoding seccomp profile failed: ${problem}`,
    })
  t.throws(() => profileWith({ args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] }), {
    message: /from 0 to 5/,
  })
  t.throws(() => profileWith({ args: [{ index: 0, value: 1, op: 'toString' }] }), {
    message: /is no comparison/,
  })
  t.throws(() => profileWith({ action: 'SCMP_ACT_NOTIFY' }), { message: /there is nobody here to ask/ })
  t.throws(() => profileWith({ includes: { minKernel: 'x' } }), { message: /is no kernel version/ })
})
