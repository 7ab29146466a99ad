import { LadingError } from '../../spec/errors.js'
import { parentName } from '../cgroup/group-files.js'
import { capabilityNames } from '../launcher/capabilities.js'
import { type DeviceNode, type DeviceRule, deviceRules } from '../launcher/devices.js'
import { maskedPath, masks, readonlyInProc } from '../launcher/masks.js'
import type { Prepared } from '../launcher/prepared.js'
import { planProcess, profileOf } from '../launcher/process-plan.js'
import type { ContainerSettings, Resources } from '../settings.js'
import { bundleMounts } from './mounts.js'
import { bundleSeccomp } from './seccomp.js'

/**
 * config.json of an OCI bundle (runtime-spec 1.0) for a container: as isolated as launcher/container-steps.ts makes
 * it, for those who want a runtime that they know. `rootfs` and `network` are where the root file system will be,
 * absolute or below the bundle, and the namespace to join instead of making one: `/proc/PID/ns/net`; `group` is the
 * name of its control group, absent: whatever the runtime calls it.
 *
 * UNSUPPORTED: an init, which is part of our launcher and of no bundle; user namespaces.
 */
export const bundleConfig = (
  settings: ContainerSettings,
  prepared: Prepared,
  places: { readonly rootfs: string; readonly network?: string; readonly group?: string },
) => {
  if (settings.process.init)
    throw new LadingError(
      'UNSUPPORTED',
      'A bundle cannot have an init: run without --init, or by the launcher',
    )
  if (prepared.rootless)
    throw new LadingError('UNSUPPORTED', 'A bundle is run as root here: run as root, or by the launcher')
  return {
    ociVersion: '1.0.2',
    process: bundleProcess(settings, prepared),
    root: { path: places.rootfs, readonly: settings.rootfs.readonly },
    hostname: settings.hostname,
    mounts: bundleMounts(settings, prepared),
    linux: bundleLinux(settings, prepared, places),
  }
}

const bundleProcess = (settings: ContainerSettings, prepared: Prepared) => {
  const { args, env, cwd, terminal, noNewPrivileges } = settings.process
  const { uid, gid, groups } = prepared.user
  const plan = planProcess(settings.process, prepared)
  const names = capabilityNames
    .filter((_, number) => (plan.capabilities >> BigInt(number)) & 1n)
    .map(name => `CAP_${name.toUpperCase()}`)
  // Docker gives a user who is not root none; nobody inherits any.
  const held = uid === 0 ? names : []
  return {
    ...{ args, env, cwd, terminal, noNewPrivileges },
    user: { uid, gid, additionalGids: groups, umask: 0o022 },
    capabilities: { bounding: names, effective: held, permitted: held, inheritable: [], ambient: [] },
    rlimits: prepared.limits.map(({ name, soft, hard }) => ({
      type: `RLIMIT_${name.toUpperCase()}`,
      soft: limitNumber(soft),
      hard: limitNumber(hard),
    })),
  }
}

/** No limit is 2^64 − 1, which no number of JavaScript is: 2^53 − 1 bytes or descriptors are as much. */
const limitNumber = (limit: bigint): number =>
  limit > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(limit)

const bundleLinux = (
  settings: ContainerSettings,
  prepared: Prepared,
  { network, group }: { readonly network?: string; readonly group?: string },
) => {
  const { privileged, capabilities } = settings.process
  const profile = profileOf(settings.process)
  const ownNetwork = settings.network.mode !== 'host'
  return {
    namespaces: [
      ...['mount', 'uts', 'ipc', 'pid', 'cgroup'].map(type => ({ type })),
      ...(ownNetwork ? [{ type: 'network', ...(network !== undefined && { path: network }) }] : []),
    ],
    ...(group !== undefined && { cgroupsPath: `/${parentName}/${group}` }),
    resources: bundleResources(settings.resources, privileged),
    devices: privileged ? prepared.hostDevices.map(bundleDevice) : [],
    maskedPaths: privileged ? [] : [...masks, ...prepared.masks].map(maskedPath),
    readonlyPaths: privileged ? [] : readonlyInProc.map(path => `/proc/${path}`),
    // With a namespace that somebody else made, they are that one's business.
    ...(ownNetwork &&
      network === undefined && {
        sysctl: {
          'net.ipv4.ip_unprivileged_port_start': '0',
          'net.ipv4.ping_group_range': '0 2147483647',
        },
      }),
    ...(profile && { seccomp: bundleSeccomp(profile, capabilities, prepared.machine) }),
  }
}

const typeLetter = (type: DeviceNode['type']) => (type === 'block' ? 'b' : 'c')

const bundleDevice = ({ path, type, major, minor, mode }: DeviceNode) => ({
  ...{ path: `/dev/${path}`, type: typeLetter(type), major, minor, fileMode: mode },
})

const ruleOf = ({ type, major, minor, access }: DeviceRule) => ({
  allow: true,
  type: typeLetter(type),
  ...(major !== undefined && { major }),
  ...(minor !== undefined && { minor }),
  access,
})

const bundleResources = (resources: Resources, anyDevice: boolean) => {
  const { memory, memorySwap, nanoCpus, cpuShares, cpusetCpus, pids } = resources
  return {
    devices: anyDevice
      ? [{ allow: true, access: 'rwm' }]
      : [{ allow: false, access: 'rwm' }, ...deviceRules.map(ruleOf)],
    ...(memory && { memory: { limit: memory, swap: memorySwap || 2 * memory } }),
    ...((nanoCpus || cpuShares || cpusetCpus) && {
      cpu: {
        ...(nanoCpus && { period: 100_000, quota: Math.round(nanoCpus / 10_000) }),
        ...(cpuShares && { shares: cpuShares }),
        ...(cpusetCpus && { cpus: cpusetCpus }),
      },
    }),
    ...(pids && pids > 0 && { pids: { limit: pids } }),
  }
}
