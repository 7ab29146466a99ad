import { readFileSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { type JsonObject, parseJson } from '../../spec/json.js'
import { chooseCapabilities } from '../launcher/capabilities.js'
import { parseSeccompProfile } from '../launcher/seccomp-json.js'
import type { ProcessSettings } from '../settings.js'
import { badFlag } from './flag-errors.js'
import type { ContainerFlags } from './flags.js'

/**
 * Capabilities and `--security-opt`: `no-new-privileges[=BOOL]`, `seccomp=default|unconfined|FILE`, a profile in
 * docker's format, of which the container keeps a copy. On by default is that programs gain no privileges by setuid, which docker leaves off; a privileged container is free of it all.
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
    else if (name === 'seccomp' && value !== '') seccomp = seccompOf(value)
    else if (!['apparmor=unconfined', 'label=disable'].includes(`${name}=${value}`))
      throw badFlag(
        '--security-opt',
        option,
        'wanted no-new-privileges[=false], or seccomp=default|unconfined|FILE',
      )
  }
  return {
    capabilities: chooseCapabilities({ add: flags.capAdd ?? [], drop: flags.capDrop ?? [], privileged }),
    noNewPrivileges,
    seccomp,
    privileged,
  }
}

const largestProfile = 1 << 20

const seccompOf = (value: string): ProcessSettings['seccomp'] => {
  if (value === 'unconfined') return value
  if (value === 'default' || value === 'builtin') return 'default'
  let bytes: Buffer
  try {
    bytes = readFileSync(value)
  } catch (error) {
    throw new LadingError(
      'USAGE',
      `Opening seccomp profile (${visible(value)}) failed: ${(error as NodeJS.ErrnoException).code}`,
    )
  }
  const profile = parseJson(bytes, {
    what: `the seccomp profile ${visible(value)}`,
    maxBytes: largestProfile,
  })
  parseSeccompProfile(profile)
  return { profile: profile as JsonObject }
}
