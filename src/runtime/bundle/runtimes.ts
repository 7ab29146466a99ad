import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { type GroupMounts, readGroupMounts } from '../cgroup/group-mounts.js'

export type RuntimeName = 'runc' | 'crun'

/**
 * Where a runtime is installed, if it works on this host. NOT_FOUND when it is not there; UNSUPPORTED when it is
 * known to refuse this host.
 */
export const findRuntime = (name: RuntimeName): string => {
  const path = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
    .map(folder => join(folder, name))
    .find(isExecutable)
  if (path === undefined)
    throw new LadingError(
      'NOT_FOUND',
      `The runtime ${name} is not installed: install it, or use the launcher`,
      {
        data: { runtime: name },
      },
    )
  const refusal = refusalOf(
    name,
    readGroupMounts(readFileSync('/proc/self/mountinfo', 'utf8')),
    hasControllers,
  )
  if (refusal !== undefined) throw new LadingError('UNSUPPORTED', refusal, { data: { runtime: name } })
  return path
}

/**
 * Why a runtime will not work here: crun (1.8 and 1.21) ends with "cgroups in hybrid mode not supported" where
 * version 1 has the controllers and the tree of version 2 has one besides.
 */
export const refusalOf = (
  name: RuntimeName,
  { hierarchies, unified }: GroupMounts,
  hasControllers: (unified: string) => boolean,
): string | undefined => {
  if (name !== 'crun' || unified === undefined || hierarchies.length === 0 || !hasControllers(unified))
    return undefined
  return `crun refuses hosts with control groups of both versions, as this one has at ${unified}: use runc or the launcher`
}

const hasControllers = (unified: string): boolean => {
  const path = join(unified, 'cgroup.controllers')
  return existsSync(path) && readFileSync(path, 'utf8').trim() !== ''
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
