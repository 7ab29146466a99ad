import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type DeviceRule, deviceRules } from '../launcher/devices.js'
import type { ControlGroup, ControlGroups } from './control-group.js'
import {
  checkId,
  fieldOf,
  foldersIn,
  killEach,
  makeGroupFolder,
  parentName,
  processesBelow,
  readGroupFile,
  removeGroupFolder,
  stuck,
  untilTrue,
  writeLimit,
} from './group-files.js'
import type { GroupMounts } from './group-mounts.js'
import { limitFilesV1 } from './limits.js'

type MountedHierarchies = GroupMounts['hierarchies']

/** cgroups version 1: a tree for each controller or a few of them (Documentation/admin-guide/cgroup-v1). */
export const versionOne = (hierarchies: MountedHierarchies): ControlGroups => ({
  version: 1,
  make: async (id, { resources, anyDevice }) => {
    const group = groupOf(id, hierarchies)
    const made: string[] = []
    try {
      for (const { folder, options } of hierarchies) {
        const parent = join(folder, parentName)
        const path = join(parent, checkId(id))
        await makeGroupFolder(path)
        made.push(path)
        if (options.includes('cpuset')) {
          inheritCpuset(folder, parent)
          inheritCpuset(parent, path)
        }
        if (options.includes('devices') && !anyDevice) setDevices(path)
      }
      await group.setLimits(resources)
    } catch (error) {
      await Promise.allSettled(made.map(removeGroupFolder))
      throw error
    }
    return group
  },
  find: id => groupOf(id, hierarchies),
  list: async () => {
    const names = await Promise.all(hierarchies.map(({ folder }) => foldersIn(join(folder, parentName))))
    return [...new Set(names.flat())].sort()
  },
})

const groupOf = (id: string, hierarchies: MountedHierarchies): ControlGroup => {
  checkId(id)
  const folders = hierarchies.map(({ folder }) => join(folder, parentName, id))
  /** Undefined where the host lacks the controller. */
  const find = (controller: string): string | undefined => {
    const at = hierarchies.findIndex(({ options }) => options.includes(controller))
    return folders[at]
  }
  const read = async (controller: string, file: string): Promise<string> => {
    const folder = find(controller)
    return folder === undefined ? '' : readGroupFile(join(folder, file))
  }
  const setFreezer = async (state: 'FROZEN' | 'THAWED'): Promise<void> => {
    const folder = find('freezer')
    if (folder === undefined) throw stuck(id, 'freeze')
    const done = await untilTrue(async () => {
      // FREEZING stays when a process was being made meanwhile: written again, it goes on.
      await writeFile(join(folder, 'freezer.state'), state)
      return (await read('freezer', 'freezer.state')).trim() === state
    })
    if (!done) throw stuck(id, state === 'FROZEN' ? 'freeze' : 'thaw')
  }
  const group: ControlGroup = {
    id,
    entry: {
      version: 1,
      folders,
      hierarchies: hierarchies.map(({ folder, options }) => ({ name: basename(folder), options })),
    },
    setLimits: async resources => {
      for (const limit of limitFilesV1(resources)) await writeLimit(find(limit.controller) ?? '/', limit)
    },
    memoryKills: async () => fieldOf(await read('memory', 'memory.oom_control'), 'oom_kill'),
    freeze: () => setFreezer('FROZEN'),
    thaw: () => setFreezer('THAWED'),
    frozen: async () => (await read('freezer', 'freezer.state')).trim() !== 'THAWED',
    stats: async () => {
      const [usage, stat, limit, cpu, processes] = await Promise.all([
        read('memory', 'memory.usage_in_bytes'),
        read('memory', 'memory.stat'),
        read('memory', 'memory.limit_in_bytes'),
        read('cpuacct', 'cpuacct.usage'),
        read('pids', 'pids.current'),
      ])
      const inactive = fieldOf(stat, 'total_inactive_file')
      return {
        memory: Math.max(0, Number(usage) - inactive),
        ...(Number(limit) < noLimit && { memoryLimit: Number(limit) }),
        cpu: Number(cpu),
        processes: Number(processes),
      }
    },
    processes: () => processesBelow(find('pids') ?? folders[0]!),
    killAll: async () => {
      // Frozen, none can have a child meanwhile; SIGKILL waits until it is thawed.
      const done = await untilTrue(async () => {
        const processes = await group.processes()
        if (processes.length === 0) return true
        await setFreezer('FROZEN').catch(() => {})
        killEach(await group.processes())
        await setFreezer('THAWED')
        return false
      })
      if (!done) throw stuck(id, 'empty')
    },
    remove: async () => {
      await Promise.all(folders.map(removeGroupFolder))
    },
  }
  return group
}

/** What the kernel shows for none: the largest multiple of a page below 2^63. */
const noLimit = 2 ** 62

/** A group of cpuset has no processors and no memory nodes until it is told, and takes no process before. */
const inheritCpuset = (from: string, to: string): void => {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    if (readFileSync(join(to, file), 'utf8').trim() !== '') continue
    writeFileSync(join(to, file), readFileSync(join(from, file), 'utf8'))
  }
}

const setDevices = (folder: string): void => {
  writeFileSync(join(folder, 'devices.deny'), 'a')
  const allow = openSync(join(folder, 'devices.allow'), 'w')
  try {
    // The kernel takes one rule at a time.
    for (const rule of deviceRules) writeSync(allow, deviceLine(rule))
  } finally {
    closeSync(allow)
  }
}

/** `c 1:3 rwm`, `*` for any number. */
export const deviceLine = ({ type, major, minor, access }: DeviceRule): string =>
  `${type === 'block' ? 'b' : 'c'} ${major ?? '*'}:${minor ?? '*'} ${access}`
