import { readFileSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import type { ControlGroups } from './control-group.js'
import { readGroupMounts } from './group-mounts.js'
import { versionOne } from './v1.js'
import { versionTwo } from './v2.js'

/**
 * The host's control groups: version 1 where it has the memory controller, else version 2. UNSUPPORTED, and why,
 * where a container can have none: an ordinary user without delegation, or a host without them.
 */
export const hostControlGroups = (
  options: { readonly rootless: boolean } = { rootless: process.getuid?.() !== 0 },
): ControlGroups => {
  if (options.rootless)
    throw new LadingError(
      'UNSUPPORTED',
      'Limits need control groups, which an ordinary user has only by delegation: run as root, or without --memory, --cpus, --pids-limit',
    )
  const { hierarchies, unified } = readGroupMounts(readFileSync('/proc/self/mountinfo', 'utf8'))
  const controllers = hierarchies.filter(({ options }) => !options.some(option => option.startsWith('name=')))
  if (controllers.length > 0) return versionOne(controllers)
  if (unified !== undefined) return versionTwo(unified)
  throw new LadingError('UNSUPPORTED', 'No control groups are mounted at /sys/fs/cgroup of this host')
}
