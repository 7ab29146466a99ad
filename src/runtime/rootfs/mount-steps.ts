import type { CallStep } from '../launcher/program.js'

/** MS_* and MNT_* of <sys/mount.h>. */
export const mountFlags = { readOnly: 0x1, bind: 0x1000, recursive: 0x4000 } as const
const detach = 2

/** mount(2). Relative paths are those of the folder that a step before has gone to. */
export const mountStep = (
  name: string,
  mount: {
    readonly source: string
    readonly target: string
    readonly type?: string
    readonly flags?: number
    readonly data?: string
  },
): CallStep => ({
  kind: 'call',
  name,
  call: 'mount',
  args: [mount.source, mount.target, mount.type ?? 0, mount.flags ?? 0, mount.data ?? 0],
})

/** Take a mount out of sight; what uses it keeps it. */
export const detachStep = (target: string): CallStep => ({
  kind: 'call',
  name: `hide ${target}`,
  call: 'umount2',
  args: [target, detach],
})

export const goStep = (folder: string): CallStep => ({
  kind: 'call',
  name: `go to ${folder}`,
  call: 'chdir',
  args: [folder],
})

/** What the data of mount(2) may be long, its end included. */
const longestData = 4096

export const fitsMountData = (data: string): boolean => Buffer.byteLength(data) < longestData
