import { readFileSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import type { ControlGroup, ControlGroups } from '../cgroup/control-group.js'
import { hostControlGroups } from '../cgroup/host.js'
import { capabilitiesInStatus } from '../launcher/capabilities.js'
import { containerSteps } from '../launcher/container-steps.js'
import { findHostDevices } from '../launcher/devices.js'
import { findProcessorMasks } from '../launcher/masks.js'
import type { Prepared } from '../launcher/prepared.js'
import type { Program } from '../launcher/program.js'
import { limitsOf } from '../launcher/rlimits.js'
import type { Rootfs } from '../rootfs/rootfs.js'
import { isRootless } from '../rootless/is-rootless.js'
import type { ContainerSettings } from '../settings.js'
import { type ReadUserFile, type ResolvedUser, resolveUser } from '../users.js'
import type { Container } from './record.js'
import { bindsOf } from './volumes.js'

export interface PreparedStart {
  readonly program: Program
  readonly prepared: Prepared
  readonly user: ResolvedUser
  /** Made; to be removed after the end. An ordinary user's container has none. */
  readonly group?: ControlGroup
}

/** What this process is allowed, which it can pass on. */
export const ownAbilities = (): { capabilities: bigint; limits: string; mayRaise: boolean } => {
  const capabilities = capabilitiesInStatus(readFileSync('/proc/self/status', 'utf8'), 'CapEff')
  return {
    capabilities,
    limits: readFileSync('/proc/self/limits', 'utf8'),
    // CAP_SYS_RESOURCE, which in a user namespace raises nothing.
    mayRaise: ((capabilities >> 24n) & 1n) === 1n && !isRootless(),
  }
}

/** The environment with HOME, which only the user's line in /etc/passwd tells. */
export const withHome = (env: readonly string[], home: string): readonly string[] =>
  env.some(line => line.startsWith('HOME=')) ? env : [...env, `HOME=${home}`]

/** Everything that a container's set-up needs to know, and its control group. Whatever fails, no group is left. */
export const prepareStart = async (
  container: Container,
  rootfs: Rootfs,
  readUserFile: ReadUserFile,
): Promise<PreparedStart> => {
  const { settings } = container
  const prepared = await prepare(container, rootfs, readUserFile)
  const groups = controlGroupsFor(settings)
  if (groups === undefined) {
    const complete = { ...prepared, cgroup: { version: 'none' } } as const
    return { program: programOf(settings, complete), prepared: complete, user: prepared.user }
  }
  const make = () =>
    groups.make(settings.id, { resources: settings.resources, anyDevice: settings.process.privileged })
  const group = await make().catch(async error => {
    if (!(error instanceof LadingError && error.code === 'LOCKED')) throw error
    // Of a watcher that was killed: it is nobody's.
    await groups.find(settings.id).remove()
    return make()
  })
  try {
    const complete = { ...prepared, cgroup: group.entry }
    return { program: programOf(settings, complete), prepared: complete, user: prepared.user, group }
  } catch (error) {
    await group.remove()
    throw error
  }
}

/** Undefined for an ordinary user's container, if nothing is to be limited. Throws UNSUPPORTED. */
const controlGroupsFor = ({ resources }: ContainerSettings): ControlGroups | undefined =>
  isRootless() && Object.keys(resources).length === 0 ? undefined : hostControlGroups()

/** The set-up as it would be, and nothing made. */
export const plannedProgram = async (
  container: Container,
  rootfs: Rootfs,
  readUserFile: ReadUserFile,
): Promise<Program> =>
  programOf(container.settings, {
    ...(await prepare(container, rootfs, readUserFile)),
    cgroup: controlGroupsFor(container.settings)?.find(container.settings.id).entry ?? { version: 'none' },
  })

const programOf = (settings: ContainerSettings, prepared: Prepared): Program =>
  containerSteps(
    {
      ...settings,
      process: { ...settings.process, env: withHome(settings.process.env, prepared.user.home) },
    },
    prepared,
  )

const prepare = async (
  { settings, places, all }: Container,
  rootfs: Rootfs,
  readUserFile: ReadUserFile,
): Promise<Omit<Prepared, 'cgroup'>> => {
  const { user, groups, rlimits, privileged } = settings.process
  const own = ownAbilities()
  return {
    machine: process.arch === 'arm64' ? 'arm64' : 'x86-64',
    root: {
      folder: places.root,
      steps: rootfs.steps(places.root),
      fromDevices: rootfs.kind === 'erofs',
    },
    user: await resolveUser(user, groups, readUserFile),
    binds: bindsOf(all, settings),
    files: [
      { source: places.hosts, target: '/etc/hosts' },
      { source: places.hostname, target: '/etc/hostname' },
      { source: places.resolvConf, target: '/etc/resolv.conf' },
    ],
    network: await networkOf(settings),
    limits: limitsOf(rlimits, own),
    capabilities: own.capabilities,
    rootless: isRootless(),
    detached: false,
    masks: privileged ? [] : findProcessorMasks(),
    hostDevices: privileged ? await findHostDevices() : [],
  }
}

const networkOf = async (settings: ContainerSettings): Promise<Prepared['network']> => {
  if (settings.network.mode !== 'bridge') return { wait: false, messages: [] }
  const { insideSteps } = await import('../network/attach.js')
  const slots = { first: { slot: 900 }, second: { slot: 901 } }
  return { wait: true, messages: [], inside: insideSteps(slots) }
}
