import type { ProcessSettings } from '../settings.js'
import { capabilityMask, capabilityNames } from './capabilities.js'
import type { Prepared } from './prepared.js'
import type { ProcessPlan } from './process-steps.js'
import { seccompFilter } from './seccomp.js'

/** What the settings of a process come to on this host. */
export const planProcess = (
  settings: Pick<
    ProcessSettings,
    | 'args'
    | 'env'
    | 'cwd'
    | 'terminal'
    | 'init'
    | 'capabilities'
    | 'noNewPrivileges'
    | 'seccomp'
    | 'privileged'
  >,
  prepared: Pick<Prepared, 'machine' | 'user' | 'limits' | 'capabilities' | 'detached'>,
): ProcessPlan => {
  const { args, env, cwd, terminal, init, noNewPrivileges } = settings
  const { user, limits, detached } = prepared
  const names = settings.privileged ? capabilityNames : settings.capabilities
  return {
    ...{ args, env, cwd, terminal, init, noNewPrivileges, user, limits, detached },
    // What this process does not have it cannot give.
    capabilities: capabilityMask(names) & prepared.capabilities,
    ...(settings.seccomp === 'default' &&
      !settings.privileged && { filter: seccompFilter(names, prepared.machine) }),
  }
}
