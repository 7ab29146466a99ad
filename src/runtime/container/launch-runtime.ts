import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { bundleConfig } from '../bundle/config.js'
import { bundleSteps } from '../bundle/run-steps.js'
import { findRuntime } from '../bundle/runtimes.js'
import { launch, type Stdio } from '../launcher/launch.js'
import type { Prepared } from '../launcher/prepared.js'
import type { ContainerSettings } from '../settings.js'
import type { ProgramEnd } from './follow-program.js'
import { killProcess, launchFailure, type RunningProgram } from './launch-container.js'
import type { Container } from './record.js'

/** What runc and crun do not do under lading. Throws UNSUPPORTED before anything is made. */
export const checkRuntime = ({ process, network }: ContainerSettings): void => {
  const lacking = process.terminal ? 'a terminal' : network.mode === 'bridge' ? 'the bridge' : undefined
  if (lacking === undefined) return
  throw new LadingError(
    'UNSUPPORTED',
    `With another runtime there is no way to ${lacking}: use the launcher, or leave out ${process.terminal ? '-t' : 'the bridge with --network none or host'}`,
  )
}

/**
 * Run the container by runc or crun, from a generated bundle in its record. The runtime runs in the foreground as our child; when
 * it is killed by force, its container goes on.
 */
export const launchByRuntime = async (
  { settings, places }: Container,
  prepared: Prepared,
  stdio: readonly [Stdio, Stdio, Stdio],
): Promise<RunningProgram> => {
  if (settings.runtime === 'launcher') throw new Error('The launcher needs no bundle')
  const bundle = join(places.folder, 'bundle')
  const pidFile = join(bundle, 'pid')
  mkdirSync(bundle, { recursive: true, mode: 0o700 })
  writeFileSync(pidFile, '', { mode: 0o600 })
  const config = bundleConfig(settings, prepared, { rootfs: places.root, group: settings.id })
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config), { mode: 0o600 })
  const program = bundleSteps(prepared, {
    runtime: findRuntime(settings.runtime),
    state: join(bundle, 'state'),
    ...{ bundle, id: settings.id, pidFile },
    env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  })
  const { child, failure } = await launch(program, { stdio, folder: places.programs })
  let ended: ProgramEnd | undefined
  const end = new Promise<ProgramEnd>(resolve => {
    child.once('exit', async code => {
      const failed = await failure
      ended = failed
        ? { exitCode: 125, failure: `${failed.step}: ${failed.errno}` }
        : { exitCode: code ?? 137 }
      resolve(ended)
    })
  })
  while (!ended) {
    const pid = Number(readFileSync(pidFile, 'utf8'))
    if (pid > 0) return { pid, end, started: async () => {}, kill: signal => killProcess(pid, signal) }
    await sleep(2)
  }
  // It has ended before its number could be read: as good as any that has.
  if (ended.failure !== undefined) throw launchFailure(ended)
  return { pid: child.pid!, end, started: async () => {}, kill: () => {} }
}
