import { during, LadingError } from '../../spec/errors.js'
import type { ControlGroup } from '../cgroup/control-group.js'
import type { Stdio } from '../launcher/launch.js'
import type { Prepared } from '../launcher/prepared.js'
import type { TerminalSize } from '../launcher/terminal-steps.js'
import type { Rootfs } from '../rootfs/rootfs.js'
import type { PublishedPort } from '../settings.js'
import type { ResolvedUser } from '../users.js'
import { type JoinedNetwork, joinContainerNetwork, leaveContainerNetwork } from './container-network.js'
import { hasRootfs, imageOf, rootfsOf } from './container-rootfs.js'
import type { ProgramEnd } from './follow-program.js'
import type { OpenedImage } from './image.js'
import { launchFailure, launchProgram, type RunningProgram } from './launch-container.js'
import { prepareStart } from './prepare-start.js'
import { identify, ownIdentity } from './process-identity.js'
import { type Container, writeState } from './record.js'
import { rootFiles } from './root-files.js'
import type { ContainerState } from './state.js'
import { keptUserFiles } from './user-files.js'

export interface WatchOptions {
  /** Open already, where the container is new. Stays the caller's. */
  readonly image?: OpenedImage
  /** What the program reads from and writes to; whose the pipes are to be is known by then. */
  stdio(user: ResolvedUser): Promise<readonly [Stdio, Stdio, Stdio]> | readonly [Stdio, Stdio, Stdio]
  readonly terminal?: { readonly size: TerminalSize }
  /** Is told what has been done, in words. */
  readonly onStep?: (step: string) => void
}

export interface ContainerEnd {
  readonly exitCode: number
  readonly oomKilled: boolean
  /** Why the program could not be run (126, 127). */
  readonly failure?: string
}

export interface WatchedContainer {
  readonly running: RunningProgram
  readonly state: ContainerState
  readonly notes: readonly string[]
  /** Let go of what only the set-up needed; for whoever goes on for long. When the program runs. */
  release(): void
  /** Its end, noted and cleaned up after. */
  readonly end: Promise<ContainerEnd>
}

/** What must be given back, in the order in which it was taken. */
interface Held {
  group?: ControlGroup
  joined?: JoinedNetwork
  network: boolean
  published?: { close(): Promise<void> }
  rootfs?: Rootfs
}

/**
 * Start a container that this process has claimed, and watch it: note that it runs and how it ends, and clean up.
 * With this process it dies. Throws why it cannot start, which is noted too: `data.exitCode` as docker has it.
 */
export const watch = async (container: Container, options: WatchOptions): Promise<WatchedContainer> => {
  const held: Held = { network: false }
  try {
    return await start(container, options, held)
  } catch (error) {
    await giveBack(container, held)
    const exitCode = exitCodeOf(error)
    const { message } = error as Error
    const { watcher: _, process: __, ...rest } = container.state
    writeState(container, { ...rest, status: 'created', exitCode, error: message })
    throw during(`Cannot start ${container.settings.name}`, error)
  }
}

const exitCodeOf = (error: unknown): number =>
  error instanceof LadingError && typeof error.data.exitCode === 'number' ? error.data.exitCode : 128

const start = async (container: Container, options: WatchOptions, held: Held): Promise<WatchedContainer> => {
  const { settings, places } = container
  const { onStep = () => {} } = options
  let reopened: Promise<OpenedImage> | undefined
  const image = async (): Promise<OpenedImage> => {
    if (options.image) return options.image
    reopened ??= imageOf(container)
    return reopened
  }
  const isFresh = !hasRootfs(container)
  const isLauncher = settings.runtime === 'launcher'
  if (!isLauncher) (await import('./launch-runtime.js')).checkRuntime(settings)
  const rootfs = await rootfsOf(container, image)
  held.rootfs = rootfs
  const files = rootFiles(rootfs, image)
  held.network = true
  const joined = await joinContainerNetwork(container)
  if (joined) held.joined = joined
  const { program, prepared, user, group } = await prepareStart(
    container,
    rootfs,
    isFresh ? keptUserFiles(container.all, await image(), files) : files,
  )
  if (group) held.group = group
  await (await reopened)?.[Symbol.asyncDispose]()

  let ports: readonly PublishedPort[] = []
  const stdio = await options.stdio(user)
  const byLauncher = () =>
    launchProgram({
      program,
      command: settings.process.args[0]!,
      stdio,
      programs: places.programs,
      init: settings.process.init,
      ...(options.terminal && { terminal: options.terminal }),
      ...(joined && {
        network: async pid => {
          const order = await joined.attach(pid)
          onStep(`Interface bridged: eth0, ${joined.lease.mac}`)
          if (settings.network.ports.length > 0) {
            const { publish } = await import('../network/publish.js')
            const published = await publish(settings.network.ports, joined.lease.address)
            held.published = published
            ports = published.bound
          }
          onStep(`Address given: ${joined.lease.address}/${joined.lease.prefix}`)
          return order
        },
      }),
      onProcess: () => {
        onStep(`File system mounted: ${rootfs.kind}, ${rootfs.why}`)
        if (joined) return
        onStep(`No interface bridged: network ${settings.network.mode}`)
        onStep(`No address given: network ${settings.network.mode}`)
      },
    })
  const running = isLauncher ? await byLauncher() : await byRuntime(container, prepared, stdio)
  const state: ContainerState = {
    status: 'running',
    ...processOf(running.pid),
    watcher: ownIdentity(),
    exitCode: 0,
    oomKilled: false,
    error: '',
    startedAt: new Date().toISOString(),
    ...(joined && { address: addressOf(joined) }),
    ...(ports.length > 0 && { ports }),
  }
  writeState(container, state)
  const end = running.end.then(ended => finish(container, { state, held, ended }))
  // Whoever waits for it gets it; a failure before that is no unhandled one.
  end.catch(() => {})
  return { running, state, notes: joined?.notes ?? [], end, release: () => rootfs.release?.() }
}

const byRuntime = async (
  container: Container,
  prepared: Prepared,
  stdio: readonly [Stdio, Stdio, Stdio],
): Promise<RunningProgram> => {
  const { launchByRuntime } = await import('./launch-runtime.js')
  return launchByRuntime(container, prepared, stdio)
}

/** Of one that has ended already nothing is known. */
const processOf = (pid: number) => {
  const process = identify(pid)
  return process ? { process } : {}
}

const addressOf = ({ lease }: JoinedNetwork) => ({
  ip: lease.address,
  prefix: lease.prefix,
  gateway: lease.gateway,
  mac: lease.mac,
})

const finish = async (
  container: Container,
  { state, held, ended }: { state: ContainerState; held: Held; ended: ProgramEnd },
): Promise<ContainerEnd> => {
  const oomKilled = ((await held.group?.memoryKills()) ?? 0) > 0
  const finishedAt = new Date().toISOString()
  await giveBack(container, held)
  const { process: _, watcher: __, address: ___, ports: ____, ...rest } = state
  const { exitCode, failure } = ended
  const end = { exitCode, oomKilled, ...(failure !== undefined && { failure }) }
  // What was never run is still only created, as docker has it.
  const status = failure === undefined ? 'exited' : 'created'
  writeState(container, { ...rest, status, exitCode, oomKilled, error: failure ?? '', finishedAt })
  if (exitCode === 125 && failure !== undefined) throw launchFailure(ended)
  return end
}

const giveBack = async (container: Container, held: Held): Promise<void> => {
  held.rootfs?.release?.()
  await held.published?.close()
  if (held.network) await leaveContainerNetwork(container)
  await held.group?.remove()
}
