import { constants } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { overmountSteps } from '../launcher/bind-steps.js'
import { launch } from '../launcher/launch.js'
import { firstSteps, namespaces, report } from '../launcher/monitor-steps.js'
import { launcherFds, type Program, type ProgramStep } from '../launcher/program.js'
import { call, here, insideRoot, label, Names, openHow, openHowLength, place } from '../launcher/steps.js'
import type { Rootfs } from '../rootfs/rootfs.js'
import { imageOf, rootfsOf } from './container-rootfs.js'
import { isAlive } from './process-identity.js'
import { type Container, reread } from './record.js'
import { bindsOf } from './volumes.js'

export interface HeldFolder extends AsyncDisposable {
  /** A path of this host that leads to the folder itself: nothing that the container does turns it elsewhere. */
  readonly path: string
}

const [recursive, isPrivate, detach] = [0x4000, 0x4_0000, 2]

/**
 * A folder of a container as a path of the host, for as long as it is held: of one that runs by way of its process, of one that
 * does not by mounting its root file system and volumes in a mount namespace of a small process, which nobody else sees. The kernel
 * keeps every link inside (openat2). Undefined where there is no such folder.
 */
export const holdFolder = async (container: Container, path: string): Promise<HeldFolder | undefined> => {
  const { places, state } = reread(container)
  let letGo = () => {}
  const program =
    state.process && isAlive(state.process)
      ? openSteps(path, [
          call(
            'open the root of the container',
            'openat',
            [here, `/proc/${state.process.pid}/root`, place, 0],
            {
              save: root,
            },
          ),
        ])
      : openSteps(
          path,
          await mountedSteps(container, rootfs => {
            letGo = () => rootfs.release?.()
          }),
        )
  const launched = await launch(program, { stdio: ['ignore', 'ignore', 'inherit'], folder: places.programs })
  const release = async () => {
    launched.closeOrders()
    await launched.failure
  }
  for await (const descriptor of launched.reports) {
    letGo()
    return { path: `/proc/${launched.child.pid}/fd/${descriptor}`, [Symbol.asyncDispose]: release }
  }
  const failure = await launched.failure
  letGo()
  if (failure === undefined) return undefined
  throw new LadingError(
    'UNSUPPORTED',
    `Cannot open ${visible(path)} of ${container.settings.name}: ${failure.step}: ${failure.errno}`,
  )
}

const [root, folder] = [{ slot: 0 }, { slot: 1 }]

const openSteps = (path: string, rootSteps: readonly ProgramStep[]): Program => {
  const missing = { label: 'there is no such folder' }
  const how = openHow(place | constants.O_DIRECTORY, insideRoot)
  return [
    ...firstSteps(false),
    ...rootSteps,
    call(`open ${path}`, 'openat2', [root, path, how, openHowLength], { save: folder, onError: missing }),
    report('report the folder', folder),
    call('hold the folder', 'read', [launcherFds.orders, new Uint8Array(1), 1]),
    label(missing),
    { kind: 'exit', status: 0 },
  ]
}

const mountedSteps = async (
  container: Container,
  onRootfs: (rootfs: Rootfs) => void,
): Promise<readonly ProgramStep[]> => {
  const { settings, places, all } = container
  await using image = await imageOf(container)
  const rootfs = await rootfsOf(container, async () => image)
  onRootfs(rootfs)
  const binds = overmountSteps(
    bindsOf(all, settings).map(bind => ({ kind: 'bind', ...bind }) as const),
    new Names(),
  )
  return [
    call('make a mount namespace', 'unshare', [namespaces.mount]),
    call('make all mounts private', 'mount', [0, '/', 0, recursive | isPrivate, 0]),
    ...binds.outside,
    ...rootfs.steps(places.root),
    call(`go to ${places.root}`, 'chdir', [places.root]),
    call('change the root', 'pivot_root', ['.', '.']),
    call("let go of the host's files", 'umount2', ['.', detach]),
    call('go to the root', 'chdir', ['/']),
    ...binds.inside,
    call('open the root', 'openat', [here, '/', place, 0], { save: root }),
  ]
}
