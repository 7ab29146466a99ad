import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundleConfig } from '../../src/runtime/bundle/config.js'
import { findRuntime } from '../../src/runtime/bundle/runtimes.js'
import { hostControlGroups } from '../../src/runtime/cgroup/host.js'
import { containerSteps } from '../../src/runtime/launcher/container-steps.js'
import { launch } from '../../src/runtime/launcher/launch.js'
import { findProcessorMasks } from '../../src/runtime/launcher/masks.js'
import { preparedOf, settingsOf } from '../runtime/container-fixture.js'
import type { Contestant } from './rounds.js'
import type { Workbench } from './workbench.js'

/** One container over an unpacked image, from the same settings: its control groups made, its program run, all removed. */
export const launcherContestants = ({
  at,
  there,
  lading,
  quietly,
  once: make,
}: Workbench): readonly Contestant[] => {
  const tree = make('tree', () => {
    quietly(lading('store', 'convert', 'bench:1', `dir:${at('tree')}`))
    return at('tree')
  })
  const [folder, mountPoint] = [at('launcher'), at('launcher/root')]
  mkdirSync(mountPoint, { recursive: true, mode: 0o700 })
  const settings = settingsOf({ id: randomBytes(32).toString('hex'), process: { args: ['/bin/true'] } })
  const prepared = preparedOf({ tree, mountPoint }, { masks: findProcessorMasks() })
  const groups = hostControlGroups()
  const launcher = async (): Promise<void> => {
    const group = await groups.make(settings.id, { resources: settings.resources, anyDevice: false })
    const program = containerSteps(settings, { ...prepared, cgroup: group.entry })
    const { child } = await launch(program, { stdio: ['ignore', 'ignore', 'inherit'], folder })
    const [status] = await once(child, 'exit')
    await group.remove()
    if (status !== 0) throw new Error(`the launcher ended with ${status}`)
  }
  const runc = (): (() => Promise<void>) => {
    const runtime = findRuntime('runc')
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify(bundleConfig(settings, prepared, { rootfs: tree })),
    )
    return async () => {
      const words = ['--root', join(folder, 'state'), 'run', '--bundle', folder, settings.id]
      const [status] = await once(spawn(runtime, words, { stdio: ['ignore', 'ignore', 'inherit'] }), 'exit')
      if (status !== 0) throw new Error(`runc ended with ${status}`)
    }
  }
  return [
    { name: "lading's launcher", work: () => launcher },
    ...(there.runc ? [{ name: 'runc run', work: runc }] : []),
  ]
}
