import { attemptLater, ladingProgram, type Outcome } from '../../helpers/programs.js'
import type { Check, RuntimeName } from './check.js'
import { attempts } from './checks/attempts.js'
import { deviceChecks } from './checks/devices.js'
import { kernelChecks } from './checks/kernel.js'
import { mountChecks } from './checks/mounts.js'
import { namespaceChecks } from './checks/namespaces.js'
import { processChecks } from './checks/processes.js'
import type { HostileFlags } from './hostile-images.js'
import { readProbe } from './probe-program.js'
import { runByRunc } from './runc-container.js'
import { argumentsOf, type FlagCase } from './security-flags.js'
import { readSystemCalls } from './system-calls.js'

export const groups: readonly { readonly title: string; readonly checks: readonly Check[] }[] = [
  { title: 'Namespaces', checks: namespaceChecks },
  { title: 'The process', checks: processChecks },
  { title: 'Files and mounts', checks: mountChecks },
  { title: 'Devices', checks: deviceChecks },
  { title: 'The kernel', checks: kernelChecks },
  {
    title: 'System calls',
    checks: attempts.map(({ name, expect, differs }) => ({
      ...{ name, run: '', expect },
      ...(differs && { differs }),
    })),
  },
]

export const image = 'bench/isolation:1'
const mark = '@@@@'

const quoted = (text: string) => text.replaceAll("'", `'\\''`)

/** All checks in one program for the shell: the answers with a line before each, then those of the two probes. */
export const script = (): string =>
  [
    ...groups.flatMap(({ checks }) =>
      checks
        .filter(({ run }) => run !== '')
        .map(({ name, run }) => `echo '${mark}${quoted(name)}'\n( ${run} ) 2>&1`),
    ),
    ...['attempts', 'calls'].map(probe => `echo '${mark}${probe}'\n/probes/${probe} | base64`),
  ].join('\n')

export interface Answers {
  readonly checks: ReadonlyMap<string, string>
  readonly calls: ReadonlyMap<string, string>
}

export interface StartOptions {
  readonly image: string
  readonly hostname?: string
  readonly flags?: HostileFlags & FlagCase['flags']
  /** Of lading's own: what the root file system is made of. */
  readonly rootfs?: 'overlay' | 'copy'
  readonly command: readonly string[]
  /** After which it is given up. */
  readonly seconds?: number
}

export interface Places {
  readonly store: string
  readonly engine?: { readonly DOCKER_HOST: string }
}

/** Run a container without a network to its end. */
export const startIn = async (
  runtime: RuntimeName,
  { image, hostname = 'isolated', flags = {}, rootfs, command, seconds = 30 }: StartOptions,
  { store, engine }: Places,
): Promise<Outcome> => {
  if (runtime === 'runc')
    return runByRunc(store, image, { ...flags, network: 'none', hostname, command, rm: true }).catch(
      (error: Error) => ({ status: 125, stdout: '', stderr: error.message }),
    )
  const args = [
    ...['run', '--rm', '--network', 'none', '--hostname', hostname],
    ...(flags.volume ?? []).flatMap(volume => ['-v', volume]),
    ...(flags.tmpfs ?? []).flatMap(target => ['--tmpfs', target]),
    ...(flags.tty ? ['-t'] : []),
    ...(rootfs ? ['--rootfs', rootfs] : []),
    ...argumentsOf(flags),
    ...[image, ...command],
  ]
  return runtime === 'docker'
    ? attemptLater('docker', args, { env: { ...engine }, seconds })
    : attemptLater(process.execPath, [ladingProgram, '--store', store, ...args], { seconds })
}

export const runChecks = async (runtime: RuntimeName, places: Places): Promise<Answers> => {
  const outcome = await startIn(runtime, { image, command: ['sh', '-c', script()] }, places)
  const sections = new Map(
    outcome.stdout
      .split(mark)
      .slice(1)
      .map(section => {
        const end = section.indexOf('\n')
        return [section.slice(0, end), section.slice(end + 1).trimEnd()] as const
      }),
  )
  if (!sections.has('calls'))
    throw new Error(`${runtime} ended with ${outcome.status}: ${outcome.stderr}${outcome.stdout.slice(-500)}`)
  const probe = (name: string) => Buffer.from(sections.get(name)!, 'base64')
  const answered = readProbe(probe('attempts'))
  return {
    checks: new Map([
      ...sections,
      ...attempts.map(({ name }, index) => [name, answered.get(index) ?? 'nothing'] as const),
    ]),
    calls: readSystemCalls(probe('calls')),
  }
}
