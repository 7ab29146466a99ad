import { chooseCapabilities } from '../launcher/capabilities.js'
import type { ProcessSettings } from '../settings.js'
import { badFlag } from './flag-errors.js'
import type { ContainerFlags } from './flags.js'

/**
 * Capabilities and `--security-opt`: `no-new-privileges[=BOOL]`, `seccomp=default|unconfined`. On by default is
 * that programs gain no privileges by setuid, which docker leaves off; a privileged container is free of it all.
 * Profiles of AppArmor and SELinux are never set, so `apparmor=unconfined` and `label=disable` are what is.
 */
export const securityOf = (
  flags: ContainerFlags,
): Pick<ProcessSettings, 'capabilities' | 'noNewPrivileges' | 'seccomp' | 'privileged'> => {
  const privileged = flags.privileged ?? false
  let noNewPrivileges = !privileged
  let seccomp: ProcessSettings['seccomp'] = privileged ? 'unconfined' : 'default'
  for (const option of flags.securityOpt ?? []) {
    const [, name = option, value = ''] = /^([^=:]+)[=:](.*)$/s.exec(option) ?? []
    if (name === 'no-new-privileges' && ['', 'true', 'false'].includes(value))
      noNewPrivileges = value !== 'false'
    else if (name === 'seccomp' && (value === 'unconfined' || value === 'default' || value === 'builtin'))
      seccomp = value === 'unconfined' ? value : 'default'
    else if (!['apparmor=unconfined', 'label=disable'].includes(`${name}=${value}`))
      throw badFlag(
        '--security-opt',
        option,
        'wanted no-new-privileges[=false], or seccomp=default|unconfined',
      )
  }
  return {
    capabilities: chooseCapabilities({ add: flags.capAdd ?? [], drop: flags.capDrop ?? [], privileged }),
    noNewPrivileges,
    seccomp,
    privileged,
  }
}
