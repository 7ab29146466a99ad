import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
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
import { limitFilesV2 } from './limits.js'

/** What containers are limited by; enabled from the root down, as far as the kernel has them. */
const wanted = ['memory', 'pids', 'cpu', 'cpuset', 'io'] as const

/** cgroups version 2: one tree (Documentation/admin-guide/cgroup-v2.rst). `root`: where it is mounted. */
export const versionTwo = (root: string): ControlGroups => ({
  version: 2,
  make: async (id, { resources, anyDevice }) => {
    const parent = join(root, parentName)
    const group = groupOf(id, root, anyDevice)
    await mkdir(parent, { recursive: true, mode: 0o755 })
    await enableControllers(root)
    await enableControllers(parent)
    const folder = join(parent, id)
    await makeGroupFolder(folder)
    try {
      await group.setLimits(resources)
    } catch (error) {
      await removeGroupFolder(folder)
      throw error
    }
    return group
  },
  find: id => groupOf(id, root, false),
  // The first process is made inside the group: no move.
  list: async () => [...(await foldersIn(join(root, parentName)))].sort(),
})

const enableControllers = async (folder: string): Promise<void> => {
  const there = (await readGroupFile(join(folder, 'cgroup.controllers'))).trim().split(/\s+/)
  const enabled = (await readGroupFile(join(folder, 'cgroup.subtree_control'))).trim().split(/\s+/)
  const missing = wanted.filter(name => there.includes(name) && !enabled.includes(name))
  // One by one: a controller that is refused, as cpu is with real-time processes about, costs only itself.
  for (const name of missing)
    await writeFile(join(folder, 'cgroup.subtree_control'), `+${name}`).catch(() => {})
}

const groupOf = (id: string, root: string, anyDevice: boolean): ControlGroup => {
  const folder = join(root, parentName, checkId(id))
  const read = (file: string): Promise<string> => readGroupFile(join(folder, file))
  const setFrozen = async (frozen: 0 | 1): Promise<void> => {
    await writeFile(join(folder, 'cgroup.freeze'), String(frozen))
    const done = await untilTrue(async () => fieldOf(await read('cgroup.events'), 'frozen') === frozen)
    if (!done) throw stuck(id, frozen ? 'freeze' : 'thaw')
  }
  const group: ControlGroup = {
    id,
    entry: { version: 2, folder, anyDevice },
    setLimits: async resources => {
      for (const limit of limitFilesV2(resources)) await writeLimit(folder, limit)
    },
    memoryKills: async () => fieldOf(await read('memory.events'), 'oom_kill'),
    freeze: () => setFrozen(1),
    thaw: () => setFrozen(0),
    frozen: async () => (await read('cgroup.freeze')).trim() === '1',
    stats: async () => {
      const [usage, stat, limit, cpu, processes] = await Promise.all(
        ['memory.current', 'memory.stat', 'memory.max', 'cpu.stat', 'pids.current'].map(read),
      )
      const inactive = fieldOf(stat!, 'inactive_file')
      return {
        memory: Math.max(0, Number(usage) - inactive),
        ...(/^\d/.test(limit!) && { memoryLimit: Number(limit) }),
        cpu: fieldOf(cpu!, 'usage_usec') * 1000,
        processes: Number(processes),
      }
    },
    processes: () => processesBelow(folder),
    killAll: async () => {
      // Linux 5.14; it reaches frozen processes, and those that are just being made.
      const atOnce = await writeFile(join(folder, 'cgroup.kill'), '1').then(
        () => true,
        () => false,
      )
      const done = await untilTrue(async () => {
        const processes = await group.processes()
        if (!atOnce) killEach(processes)
        return processes.length === 0
      })
      if (!done) throw stuck(id, 'empty')
    },
    remove: () => removeGroupFolder(folder),
  }
  return group
}
