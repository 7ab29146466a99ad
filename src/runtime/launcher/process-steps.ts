import { constants } from 'node:fs'
import type { ResolvedUser } from '../users.js'
import { capabilityNames } from './capabilities.js'
import { executeSteps } from './execute-steps.js'
import { dieWithParent } from './monitor-steps.js'
import type { Program, ProgramStep } from './program.js'
import type { Limit } from './rlimits.js'
import {
  call,
  close,
  here,
  insideRoot,
  label,
  type Names,
  openHow,
  openHowLength,
  place,
  words32,
  words64,
} from './steps.js'
import { controlTerminal } from './terminal-steps.js'

/** Of one process in a container, its first or one that `exec` adds: who it is, what it may do, what it runs. */
export interface ProcessPlan {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly user: ResolvedUser
  /** A mask. */
  readonly capabilities: bigint
  readonly noNewPrivileges: boolean
  /** Instructions of classic BPF; absent: none. */
  readonly filter?: Uint8Array
  readonly limits: readonly Limit[]
  readonly terminal: boolean
  readonly init: boolean
  readonly detached: boolean
}

/** prctl(2). */
const prctl = {
  readBounding: 23,
  dropBounding: 24,
  setSeccomp: 22,
  noNewPrivileges: 38,
  ambient: 47,
  ambientClearAll: 4,
} as const
const filterMode = 2
const capabilityVersion3 = 0x2008_0522
/** More than any kernel has: what this list does not know must go too. */
const capabilityNumbers = 64

/**
 * From the set-up's root to the user's program. Without no_new_privs the seccomp filter must be loaded while
 * CAP_SYS_ADMIN is still there, and so before the user changes; with it, at the very end.
 */
export const processSteps = (plan: ProcessPlan, names: Names): Program => {
  const filter = plan.filter ? [filterStep(plan.filter)] : []
  return [
    call('set the umask', 'umask', [0o022]),
    call('lead a session', 'setsid', []),
    ...(plan.terminal ? [controlTerminal()] : []),
    ...workingDirectorySteps(plan.cwd, names),
    ...plan.limits.map(({ name, resource, soft, hard }) =>
      call(`limit ${name}`, 'prlimit64', [0, resource, words64(soft, hard), 0]),
    ),
    ...boundingSteps(plan.capabilities, names),
    ...(plan.noNewPrivileges ? [] : filter),
    ...userSteps(plan),
    ...(plan.detached ? [] : [dieWithParent()]),
    ...(plan.noNewPrivileges
      ? [call('give up new privileges', 'prctl', [prctl.noNewPrivileges, 1, 0, 0, 0]), ...filter]
      : []),
    ...(plan.init ? initSteps(plan.terminal, names) : []),
    call('unblock signals', 'rt_sigprocmask', [signalMaskSet, words64(0), 0, 8]),
    call('close everything at the start of the program', 'close_range', [3, 0xffff_ffff, closeRangeOnExec]),
    ...executeSteps(plan, names),
  ]
}

const signalMaskSet = 2
const closeRangeOnExec = 4

/**
 * The folder is opened inside of the root and never through a link of /proc: no descriptor that leads out can be
 * meant by it (CVE-2024-21626).
 */
const workingDirectorySteps = (cwd: string, names: Names): readonly ProgramStep[] => {
  const folder = names.slot()
  const how = openHow(place | constants.O_DIRECTORY, insideRoot)
  return [
    call(`open the working directory ${cwd}`, 'openat2', [here, cwd, how, openHowLength], { save: folder }),
    call(`go to the working directory ${cwd}`, 'fchdir', [folder]),
    close(folder),
  ]
}

/** What even a program with file capabilities or setuid root cannot get. */
const boundingSteps = (kept: bigint, names: Names): readonly ProgramStep[] => [
  call('clear the ambient capabilities', 'prctl', [prctl.ambient, prctl.ambientClearAll, 0, 0, 0]),
  ...Array.from({ length: capabilityNumbers }, (_, number) => number)
    .filter(number => !((kept >> BigInt(number)) & 1n))
    .flatMap(number => {
      const name = capabilityNames[number] ?? `capability ${number}`
      const gone = names.label(`no ${name}`)
      return [
        // Unknown to this kernel, or not there: nothing to drop, and nothing to fail at.
        call(`look for ${name}`, 'prctl', [prctl.readBounding, number, 0, 0, 0], {
          onError: gone,
          ifZero: gone,
        }),
        call(`drop ${name} for good`, 'prctl', [prctl.dropBounding, number, 0, 0, 0]),
        label(gone),
      ]
    }),
]

const userSteps = ({ user, capabilities }: ProcessPlan): readonly ProgramStep[] => {
  const groups = words32(...user.groups)
  const mask = user.uid === 0 ? capabilities : 0n
  const [low, high] = [Number(mask & 0xffff_ffffn), Number(mask >> 32n)]
  return [
    call('set the supplementary groups', 'setgroups', [user.groups.length, groups]),
    call(`become group ${user.gid}`, 'setresgid', [user.gid, user.gid, user.gid]),
    call(`become user ${user.uid}`, 'setresuid', [user.uid, user.uid, user.uid]),
    // Effective, permitted, inheritable (none: CVE-2022-24769), each in two halves.
    call('set the capabilities', 'capset', [
      words32(capabilityVersion3, 0),
      words32(low, low, 0, high, high, 0),
    ]),
  ]
}

const filterStep = (filter: Uint8Array): ProgramStep => {
  const header = Buffer.alloc(16)
  header.writeUInt16LE(filter.length / 8, 0)
  const program = { struct: header, pointers: [{ at: 8, to: filter }] }
  return call('filter system calls', 'prctl', [prctl.setSeccomp, filterMode, program, 0, 0])
}

const sigchld = 17
const setForeground = 0x5410

/** The program becomes the child of an init that is ours. It leads a group of its own: ^C is for it alone. */
const initSteps = (terminal: boolean, names: Names): readonly ProgramStep[] => {
  const [child, status, self] = [names.slot(), names.slot(), names.slot()]
  const main = names.label('the program itself')
  return [
    call('start the process under init', 'clone', [sigchld, 0, 0, 0, 0], { save: child, ifZero: main }),
    // Only its children hold the pipes open, and it holds nothing that /proc/1/fd could give away.
    call('close everything', 'close_range', [3, 0xffff_ffff, 0]),
    { kind: 'init', name: 'be the init', child, status },
    label(main),
    call('lead a group of processes', 'setpgid', [0, 0]),
    ...(terminal
      ? [
          call('ask for the process number', 'getpid', [], { save: self }),
          call('be in the foreground', 'ioctl', [0, setForeground, { addressOf: self }], {
            onError: 'ignore',
          }),
        ]
      : []),
  ]
}
