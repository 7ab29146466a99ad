import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { busyboxEntries, defaultConfig, imageOf } from '../../helpers/busybox-image.js'
import type { TestImage } from '../../helpers/generate.js'
import type { RuntimeName } from './check.js'
import { type HostileImage, type HostileOutcome, hostileImages, secret, victim } from './hostile-images.js'
import { type Places, type StartOptions, startIn } from './run-checks.js'

const nameOf = (index: number) => `bench/hostile:${index}`

/** All of them by name: one layer on top of a small system. */
export const buildHostileImages = async (): Promise<Readonly<Record<string, TestImage>>> => {
  const images = hostileImages.map(async ({ entries, config }, index) => {
    const layers = [busyboxEntries(), ...(entries ? [entries] : [])]
    return [nameOf(index), await imageOf(layers, { ...defaultConfig, ...config })] as const
  })
  return Object.fromEntries(await Promise.all(images))
}

/** What is on the host, and must be so afterwards. */
export const makeVictim = (): void => {
  removeVictim()
  mkdirSync(victim, { recursive: true })
  mkdirSync(`${victim}-volume`, { recursive: true })
  writeFileSync(join(victim, 'secret'), secret)
  writeFileSync(join(victim, 'passwd'), 'app:x:0:0::/:/bin/sh\n')
}

export const removeVictim = (): void => {
  for (const path of [victim, `${victim}-volume`]) rmSync(path, { recursive: true, force: true })
}

/** What has been changed of it, in words. */
export const harmToVictim = (): readonly string[] => {
  const found = existsSync(victim) ? readdirSync(victim).sort().join(' ') : 'nothing'
  return [
    ...(found === 'passwd secret' ? [] : [`the folder holds ${found}`]),
    ...(readFileSync(join(victim, 'secret'), 'utf8') === secret ? [] : ['the secret was written to']),
  ]
}

export interface HostileResult {
  readonly outcome: HostileOutcome | 'harmed'
  readonly details: string
}

export const runHostile = async (
  runtime: RuntimeName,
  { flags, run = '', config }: HostileImage,
  index: number,
  places: Places,
  rootfs?: StartOptions['rootfs'],
): Promise<HostileResult> => {
  const program = config?.Entrypoint ? [] : ['/bin/sh', '-c', `set -e; ${run || 'true'}; echo well`]
  const { status, stdout, stderr } = await startIn(
    runtime,
    {
      ...{ image: nameOf(index), command: program, seconds: 8 },
      ...(flags && { flags }),
      ...(rootfs && { rootfs }),
    },
    places,
  )
  const details = `status ${status}: ${stdout}${stderr}`
  if (stdout.includes(secret) || stderr.includes(secret)) return { outcome: 'harmed', details }
  if (status === 0 && /well\r?\n$/.test(stdout)) return { outcome: 'safe', details }
  if (status === null) return { outcome: 'hangs', details }
  // runc ends with 1 for whatever fails.
  const refused = status >= (runtime === 'launcher' ? 125 : 1) && !stdout.includes('well')
  return { outcome: refused ? 'refused' : 'harmed', details }
}
