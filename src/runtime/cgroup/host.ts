import { readFileSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { isRootless } from '../rootless/is-rootless.js'
import type { ControlGroups } from './control-group.js'
import { readGroupMounts } from './group-mounts.js'
import { versionOne } from './v1.js'
import { versionTwo } from './v2.js'

/**
 * The host's control groups: version 1 where it has the memory controller, else version 2. UNSUPPORTED, and why,
 * where a container can have none: an ordinary user, or a host without them.
 */
export const hostControlGroups = (
  options: { readonly rootless: boolean } = { rootless: isRootless() },
): ControlGroups => {
  if (options.rootless)
    throw new LadingError(
      'UNSUPPORTED',
      'An ordinary user has no control groups here, and so no limits and no statistics: run as root, or without --memory, --cpus, --pids-limit',
    )
  const { hierarchies, unified } = readGroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
  const controllers = hierarchies.filter(({ options }) => !options.some(option => option.startsWith('name=')))
  if (controllers.length > 0) return versionOne(controllers)
  if (unified !== undefined) return versionTwo(unified)
  throw new LadingError('UNSUPPORTED', 'No control groups are mounted at /sys/fs/cgroup of this host')
}
