import { existsSync, readdirSync } from 'node:fs'

/** What a container may not see at all, or not change: paths of /proc and /sys. */
export interface Mask {
  readonly in: 'proc' | 'sys'
  readonly path: string
  /** A file is hidden under /dev/null, a folder under an empty file system. */
  readonly is: 'file' | 'folder'
}

/**
 * Docker's (moby daemon/pkg/oci/defaults.go, 2026; runtime-spec's maskedPaths). Not every kernel has them all.
 * /proc/interrupts and powercap tell what other programs do (GHSA-6fw5-f8r9-fgfm, GHSA-jq35-85cj-fj4p).
 */
export const masks: readonly Mask[] = [
  { in: 'proc', path: 'acpi', is: 'folder' },
  { in: 'proc', path: 'asound', is: 'folder' },
  { in: 'proc', path: 'interrupts', is: 'file' },
  { in: 'proc', path: 'kcore', is: 'file' },
  { in: 'proc', path: 'keys', is: 'file' },
  { in: 'proc', path: 'latency_stats', is: 'file' },
  { in: 'proc', path: 'sched_debug', is: 'file' },
  { in: 'proc', path: 'scsi', is: 'folder' },
  { in: 'proc', path: 'timer_list', is: 'file' },
  { in: 'proc', path: 'timer_stats', is: 'file' },
  { in: 'sys', path: 'devices/virtual/powercap', is: 'folder' },
  { in: 'sys', path: 'firmware', is: 'folder' },
]

/** Of /proc: they may be read and not written. */
export const readonlyInProc: readonly string[] = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']

const processors = '/sys/devices/system/cpu'

/** Docker's masks that depend on the host's processors. */
export const findProcessorMasks = (): readonly Mask[] => {
  if (!existsSync(processors)) return []
  return readdirSync(processors)
    .filter(name => /^cpu\d+$/.test(name) && existsSync(`${processors}/${name}/thermal_throttle`))
    .map(name => ({ in: 'sys', path: `devices/system/cpu/${name}/thermal_throttle`, is: 'folder' }) as const)
}

/** As the path that the container knows. */
export const maskedPath = (mask: Mask): string => `/${mask.in}/${mask.path}`
