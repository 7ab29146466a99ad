import type { ProcessSettings } from '../settings.js'
import { capabilityMask, capabilityNames } from './capabilities.js'
import type { Prepared } from './prepared.js'
import type { ProcessPlan } from './process-steps.js'
import { seccompFilter } from './seccomp.js'
import { parseSeccompProfile } from './seccomp-json.js'
import { defaultProfile, type SeccompProfile } from './seccomp-profile.js'

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
  const profile = profileOf(settings)
  const names = settings.privileged ? capabilityNames : settings.capabilities
  return {
    ...{ args, env, cwd, terminal, init, noNewPrivileges, user, limits, detached },
    // What this process does not have it cannot give.
    capabilities: capabilityMask(names) & prepared.capabilities,
    ...(profile && { filter: seccompFilter(profile, names, prepared.machine) }),
  }
}

/** Which system calls it may make; undefined: every one. */
export const profileOf = ({
  seccomp,
  privileged,
}: Pick<ProcessSettings, 'seccomp' | 'privileged'>): SeccompProfile | undefined => {
  if (privileged || seccomp === 'unconfined') return undefined
  return seccomp === 'default' ? defaultProfile : parseSeccompProfile(seccomp.profile)
}
