import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

/** All capabilities of Linux 5.9 and later by number: include/uapi/linux/capability.h. */
export const capabilityNames = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
] as const

export type CapabilityName = (typeof capabilityNames)[number]

/** What Docker gives (moby daemon/pkg/oci/caps): a80425fb. */
export const defaultCapabilities: readonly CapabilityName[] = [
  'chown',
  'dac_override',
  'fsetid',
  'fowner',
  'mknod',
  'net_raw',
  'setgid',
  'setuid',
  'setfcap',
  'setpcap',
  'net_bind_service',
  'sys_chroot',
  'kill',
  'audit_write',
]

const isCapability = (name: string): name is CapabilityName =>
  (capabilityNames as readonly string[]).includes(name)

/** Of `NET_RAW`, `CAP_NET_RAW` or `net_raw`. Throws USAGE. */
export const capabilityOf = (name: string): CapabilityName => {
  const plain = name.toLowerCase().replace(/^cap_/, '')
  if (!isCapability(plain))
    throw new LadingError('USAGE', `Unknown capability "${visible(name)}": give one as NET_RAW, or ALL`, {
      data: { capability: name },
    })
  return plain
}

/**
 * What --cap-add, --cap-drop and --privileged make of the default, as Docker counts: `ALL` added, and single
 * ones dropped from it; `ALL` dropped, and single ones added; else the default, less the dropped, plus the added.
 */
export const chooseCapabilities = (choice: {
  readonly add: readonly string[]
  readonly drop: readonly string[]
  readonly privileged?: boolean
}): readonly CapabilityName[] => {
  const all = (names: readonly string[]) => names.some(name => /^all$/i.test(name))
  const single = (names: readonly string[]) => names.filter(name => !/^all$/i.test(name)).map(capabilityOf)
  const [add, drop] = [single(choice.add), single(choice.drop)]
  if (choice.privileged) return capabilityNames
  if (all(choice.add)) return capabilityNames.filter(name => !drop.includes(name))
  const kept = all(choice.drop) ? [] : defaultCapabilities.filter(name => !drop.includes(name))
  return capabilityNames.filter(name => kept.includes(name) || add.includes(name))
}

/** A bit for each, as /proc/PID/status shows them. Unknown names throw USAGE. */
export const capabilityMask = (names: readonly string[]): bigint =>
  names.reduce((mask, name) => mask | (1n << BigInt(capabilityNames.indexOf(capabilityOf(name)))), 0n)

/** A line of /proc/PID/status, `CapPrm` for instance, as a mask. */
export const capabilitiesInStatus = (status: string, line: 'CapPrm' | 'CapEff' | 'CapBnd'): bigint =>
  BigInt(`0x${new RegExp(`^${line}:\\s*([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`)
