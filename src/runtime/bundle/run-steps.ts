import type { Prepared } from '../launcher/prepared.js'
import { launcherFds, type Program } from '../launcher/program.js'
import { call } from '../launcher/steps.js'

const newMountNamespace = 0x2_0000
const [recursive, isPrivate] = [0x4000, 0x4_0000]
const onExec = 4

/**
 * Run the bundle in `bundle` by a runtime, in the foreground. The root file system is mounted in a mount namespace
 * that only the runtime and what it starts are in, so nothing is left on the host when they have ended. The program
 * becomes the runtime: its exit status is the container's, or 1 for a program that is not there.
 *
 * When the runtime is killed by SIGKILL, its container runs on: `RUNTIME --root STATE delete --force ID`.
 */
export const bundleSteps = (
  { root }: Pick<Prepared, 'root'>,
  run: {
    /** Absolute. */
    readonly runtime: string
    /** Where the runtime keeps what it knows about its containers. */
    readonly state: string
    readonly bundle: string
    readonly id: string
    /** Where the runtime writes the number of the container's process. */
    readonly pidFile: string
    readonly env: readonly string[]
  },
): Program => [
  call('close what was inherited', 'close_range', [launcherFds.reports + 1, 0xffff_ffff, 0]),
  call('make a mount namespace', 'unshare', [newMountNamespace]),
  call('make all mounts private', 'mount', [0, '/', 0, recursive | isPrivate, 0]),
  ...root.steps,
  call('close orders and reports at the start of the runtime', 'close_range', [
    launcherFds.orders,
    0xffff_ffff,
    onExec,
  ]),
  call(`run ${run.runtime}`, 'execve', [
    run.runtime,
    {
      vector: [
        run.runtime,
        ...['--root', run.state, 'run', '--bundle', run.bundle, '--pid-file', run.pidFile],
        run.id,
      ],
    },
    { vector: run.env },
  ]),
]
