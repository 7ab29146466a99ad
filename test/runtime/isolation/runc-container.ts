import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { bundleConfig } from '../../../src/runtime/bundle/config.js'
import { bundleSteps } from '../../../src/runtime/bundle/run-steps.js'
import { findRuntime } from '../../../src/runtime/bundle/runtimes.js'
import type { ContainerFlags } from '../../../src/runtime/container/flags.js'
import { openImage } from '../../../src/runtime/container/image.js'
import { merge } from '../../../src/runtime/container/merge.js'
import { rootFiles } from '../../../src/runtime/container/root-files.js'
import { findHostDevices } from '../../../src/runtime/launcher/devices.js'
import { launch } from '../../../src/runtime/launcher/launch.js'
import { findProcessorMasks } from '../../../src/runtime/launcher/masks.js'
import { hostnameText, hostsText } from '../../../src/runtime/network/hosts.js'
import { prepareRootfs } from '../../../src/runtime/rootfs/prepare.js'
import { resolveUser } from '../../../src/runtime/users.js'
import { attempt, type Outcome } from '../../helpers/programs.js'
import { preparedOf } from '../container-fixture.js'

/** A container of an image of the store, from its OCI bundle, by runc; removed at its end. */
export const runByRunc = async (
  store: string,
  reference: string,
  flags: ContainerFlags,
): Promise<Outcome> => {
  const id = randomBytes(32).toString('hex')
  const folder = join(tmpdir(), `bundle-${id.slice(0, 12)}`)
  const [root, place] = [join(folder, 'root'), join(folder, 'rootfs')]
  for (const path of [folder, root, place]) mkdirSync(path, { mode: 0o700 })
  const image = await openImage({ reference, storeDirectory: store })
  try {
    const settings = merge(image.image.config.config, flags, {
      ...{ id, name: 'bundle', created: new Date().toISOString(), env: {} },
      image: image.described,
    })
    const rootfs = await prepareRootfs({
      ...{ image, storeDirectory: store, throwAway: true },
      place: { folder: place, rootless: false },
    })
    const files = {
      hosts: hostsText({ hostname: settings.hostname, extraHosts: [] }),
      hostname: hostnameText(settings.hostname),
      'resolv.conf': readFileSync('/etc/resolv.conf', 'utf8'),
    }
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const user = await resolveUser(
      settings.process.user,
      settings.process.groups,
      rootFiles(rootfs, async () => image),
    )
    const prepared = preparedOf(
      { tree: root, mountPoint: root },
      {
        root: { folder: root, steps: rootfs.steps(root) },
        user,
        masks: settings.process.privileged ? [] : findProcessorMasks(),
        hostDevices: settings.process.privileged ? await findHostDevices() : [],
        binds: settings.mounts.flatMap(mount =>
          mount.type === 'bind' ? [{ ...mount, is: 'folder' as const }] : [],
        ),
        files: Object.keys(files).map(name => ({ source: join(folder, name), target: `/etc/${name}` })),
      },
    )
    const env = [...settings.process.env, `HOME=${user.home}`]
    const config = bundleConfig({ ...settings, process: { ...settings.process, env } }, prepared, {
      rootfs: root,
    })
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    const [runtime, state] = [findRuntime('runc'), join(folder, 'state')]
    const program = bundleSteps(prepared, {
      ...{ runtime, state, bundle: folder, id },
      ...{ pidFile: join(folder, 'pid'), env: [`PATH=${process.env.PATH}`] },
    })
    const { child } = await launch(program, { stdio: ['ignore', 'pipe', 'pipe'], folder })
    // Killing runc leaves its container, and what that is writing to.
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      attempt(runtime, ['--root', state, 'delete', '--force', id])
    }, 4_000)
    const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
    const [stdout, stderr] = await Promise.all([
      text(child.stdout as Readable),
      text(child.stderr as Readable),
    ])
    clearTimeout(late)
    return { status: await ended, stdout, stderr }
  } finally {
    await image[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  }
}
