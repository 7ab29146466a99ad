import { isObject, type JsonObject, type JsonValue } from '../../spec/json.js'
import type { MountSettings } from '../settings.js'
import { isAnonymousVolume } from './mounts.js'

/** What the user's flags have made of the image's config. */
export interface ConfigGiven {
  readonly entrypoint: readonly string[]
  readonly command: readonly string[]
  /** Without the defaults that every process gets. */
  readonly env: readonly string[]
  readonly cwd: string
  readonly user: string
  readonly labels: Readonly<Record<string, string>>
  readonly mounts: readonly MountSettings[]
  readonly hostname: string
  /** As the user named it. */
  readonly image: string
  readonly terminal: boolean
  readonly openStdin: boolean
  readonly stopSignal: string
  /** Where the user said one. */
  readonly stopTimeout?: number
}

/**
 * A container's config as Docker keeps it (moby daemon/commit.go, merge): what it takes over of the image's, which
 * is neither ONBUILD nor SHELL, with what the user said. Fields that say nothing are left out.
 */
export const containerConfig = (image: JsonObject, given: ConfigGiven): JsonObject => {
  const volumes = given.mounts.flatMap(mount =>
    mount.type === 'volume' && isAnonymousVolume(mount.volume) ? [mount.target] : [],
  )
  const taken: Record<string, JsonValue> = {
    ...{ Hostname: given.hostname, Image: given.image },
    ...{ User: given.user, WorkingDir: given.cwd === '/' ? (image.WorkingDir ?? '') : given.cwd },
    ...{ Env: given.env, Entrypoint: given.entrypoint, Cmd: given.command, Labels: given.labels },
    Volumes: { ...objectOf(image.Volumes), ...Object.fromEntries(volumes.map(target => [target, {}])) },
    ExposedPorts: objectOf(image.ExposedPorts),
    Healthcheck: image.Healthcheck ?? null,
    StopSignal: given.stopSignal === 'TERM' ? '' : given.stopSignal,
    ...(given.terminal && { Tty: true }),
    ...(given.openStdin && { OpenStdin: true }),
    ...(given.stopTimeout !== undefined && { StopTimeout: given.stopTimeout }),
  }
  return Object.fromEntries(Object.entries(taken).filter(([, value]) => saysSomething(value)))
}

const objectOf = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})

const saysSomething = (value: JsonValue): boolean =>
  value !== null && value !== '' && (typeof value !== 'object' || Object.keys(value).length > 0)
