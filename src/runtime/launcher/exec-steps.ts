import type { GroupEntry } from '../cgroup/control-group.js'
import type { ProcessSettings } from '../settings.js'
import { enterGroups, openGroups } from './cgroup-steps.js'
import { dieWithParent, firstSteps, monitorSteps, namespaces, waitForOrder } from './monitor-steps.js'
import type { Prepared } from './prepared.js'
import { planProcess } from './process-plan.js'
import { processSteps } from './process-steps.js'
import type { Program } from './program.js'
import { call, close, label, Names } from './steps.js'
import { openTerminals, terminalSteps } from './terminal-steps.js'

const setDumpable = 4
const sigchld = 17

/** Besides what a process is: where it goes. */
export interface ExecPlace
  extends Pick<Prepared, 'machine' | 'user' | 'limits' | 'capabilities' | 'detached'> {
  /** The container's first process, as the host counts; whoever asks has made sure that it is that. */
  readonly pid: number
  readonly cgroup: GroupEntry
}

/**
 * One more process in a container that runs: in all its namespaces (one setns with a pidfd, Linux 5.8) and its
 * control group, as restricted as its first. It speaks as that does (prepared.ts), with a terminal too: then an
 * order of one byte is waited for first.
 */
export const execSteps = (
  settings: Omit<ProcessSettings, 'init' | 'groups' | 'openStdin' | 'stopSignal' | 'stopTimeout' | 'rlimits'>,
  exec: ExecPlace,
): Program => {
  const names = new Names()
  const [container, pid, terminals] = [names.slot(), names.slot(), names.slot()]
  const child = names.label('the process')
  const { doors, steps } = openGroups(exec.cgroup, names)
  const all = Object.values(namespaces).reduce((flags, flag) => flags | flag, 0)
  return [
    ...firstSteps(exec.detached),
    call('hold the process of the container', 'pidfd_open', [exec.pid, 0], { save: container }),
    ...steps,
    // In the container somebody could otherwise trace this process, which is more than they are (CVE-2016-9962).
    call('forbid tracing', 'prctl', [setDumpable, 0, 0, 0, 0]),
    // In the user namespace this process is already.
    call('enter the namespaces of the container', 'setns', [container, all & ~namespaces.user]),
    close(container),
    call('start the process', 'clone', [sigchld, 0, 0, 0, 0], { save: pid, ifZero: child }),
    ...monitorSteps(pid, names),
    label(child),
    ...(exec.detached ? [] : [dieWithParent()]),
    ...enterGroups(doors),
    ...(settings.terminal
      ? [
          ...waitForOrder('wait for the launching process', names),
          openTerminals(terminals),
          ...terminalSteps({ terminals, uid: exec.user.uid }, names),
        ]
      : []),
    ...processSteps(planProcess({ ...settings, init: false }, exec), names),
  ]
}
