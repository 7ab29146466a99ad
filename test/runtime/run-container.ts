import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { containerSteps } from '../../src/runtime/launcher/container-steps.js'
import { type Launched, launch } from '../../src/runtime/launcher/launch.js'
import type { Prepared } from '../../src/runtime/launcher/prepared.js'
import type { Program } from '../../src/runtime/launcher/program.js'
import type { LaunchFailure } from '../../src/runtime/launcher/report-words.js'
import { isRoot } from '../helpers/programs.js'
import { preparedOf, settingsOf } from './container-fixture.js'

/** Where Debian's busybox-static puts it. */
export const busybox = '/bin/busybox'

/** Why containers cannot be run here. */
export const missingForContainers: string | undefined =
  process.platform !== 'linux'
    ? 'not on Linux'
    : !isRoot
      ? 'not root'
      : existsSync(busybox)
        ? undefined
        : `${busybox} is not installed`

const applets =
  `sh ls cat grep id mount hostname ps mknod dd ip head wc true stat pwd env sleep touch readlink kill echo
   tty chmod unshare chroot ln mkdir rm sed sort cut`.split(/\s+/)

/** A folder of its own with a small root file system in `tree`. */
export interface Ground {
  readonly folder: string
  readonly tree: string
  remove(): void
}

export const makeGround = (): Ground => {
  const folder = mkdtempSync(join(tmpdir(), 'lading-isolation-'))
  const tree = join(folder, 'tree')
  for (const name of ['tree/bin', 'tree/etc', 'tree/tmp', 'tree/root', 'mount', 'launch'])
    mkdirSync(join(folder, name), { recursive: true, mode: 0o755 })
  copyFileSync(busybox, join(tree, 'bin/busybox'))
  for (const name of applets) symlinkSync('busybox', join(tree, 'bin', name))
  writeFileSync(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n')
  return { folder, tree, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export interface ContainerRun {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly reports: readonly number[]
  readonly failure: LaunchFailure | undefined
}

/** Launch a program to its end; `started` is told its first report, `during` the others, and both may talk to it. */
export type Listener = (report: number, launched: Launched) => Promise<void> | void

export const runProgram = async (
  program: Program,
  ground: Ground,
  options: { input?: string; started?: Listener; during?: Listener } = {},
): Promise<ContainerRun> => {
  const launched = await launch(program, {
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    folder: join(ground.folder, 'launch'),
  })
  const { child } = launched
  child.stdin?.end(options.input)
  const ended = new Promise<number | null>(resolve => child.on('close', resolve))
  const output = Promise.all([text(child.stdout!), text(child.stderr!)])
  const reports: number[] = []
  for await (const report of launched.reports) {
    reports.push(report)
    await (reports.length === 1 ? options.started : options.during)?.(report, launched)
  }
  const [stdout, stderr] = await output
  return { status: await ended, stdout, stderr, reports, failure: await launched.failure }
}

/** Run a container over the ground's tree. */
export const runContainer = (
  ground: Ground,
  settings: Parameters<typeof settingsOf>[0],
  prepared: Partial<Prepared> = {},
  options: Parameters<typeof runProgram>[2] = {},
): Promise<ContainerRun> =>
  runProgram(
    containerSteps(
      settingsOf(settings),
      preparedOf({ tree: ground.tree, mountPoint: join(ground.folder, 'mount') }, prepared),
    ),
    ground,
    options,
  )

/** The same for a line of shell. */
export const runShell = (
  ground: Ground,
  script: string,
  settings: NonNullable<Parameters<typeof settingsOf>[0]> = {},
  prepared: Partial<Prepared> = {},
  options: Parameters<typeof runProgram>[2] = {},
): Promise<ContainerRun> =>
  runContainer(
    ground,
    { ...settings, process: { args: ['sh', '-c', script], ...settings.process } },
    prepared,
    options,
  )
