import { isIP } from 'node:net'
import { hostname as hostName } from 'node:os'
import { posix } from 'node:path'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { isObject, type JsonObject, type JsonValue } from '../../spec/json.js'
import { parsePublished } from '../network/ports.js'
import type { ContainerSettings, ImageOfContainer, NetworkSettings, RootfsKind } from '../settings.js'
import { containerConfig } from './container-config.js'
import { configEnvironment, processEnvironment, readEnvironment } from './environment.js'
import { badFlag, quoted } from './flag-errors.js'
import type { ContainerFlags } from './flags.js'
import { mountsOf } from './mounts.js'
import { isHostname } from './names.js'
import { exposedPorts } from './published-ports.js'
import { parseUlimit, resourcesOf } from './resources.js'
import { securityOf } from './security.js'
import { signalNumber } from './signals.js'

/** What is neither the image's nor the user's. */
export interface GivenToContainer {
  /** 64 hex digits. */
  readonly id: string
  readonly name: string
  /** RFC 3339. */
  readonly created: string
  readonly image: ImageOfContainer
  /** This process's environment, for `-e NAME`. */
  readonly env: NodeJS.ProcessEnv
  /** Whether it is an ordinary user's, who may add no bridge to the host. */
  readonly rootless?: boolean
}

/**
 * The settings of a container of an image: the image's `config` and the user's flags put together by docker's
 * rules (moby daemon/create.go, runconfig.Merge). Throws USAGE in docker's words for what makes no sense.
 */
export const merge = (
  config: JsonObject,
  flags: ContainerFlags,
  given: GivenToContainer,
): ContainerSettings => {
  // With the host's network comes the host's name.
  const ownName = flags.network === 'host' ? hostName() : given.id.slice(0, 12)
  const hostname = checkHostname(flags.hostname ?? ownName)
  const terminal = flags.tty ?? false
  const env = configEnvironment(
    readEnvironment(flags.envFile ?? [], flags.env ?? [], given.env),
    lines(config.Env),
  )
  const stopSignal = flags.stopSignal ?? (text(config.StopSignal) || 'TERM')
  signalNumber(stopSignal)
  const program = programOf(config, flags)
  const cwd = workdirOf(flags.workdir, text(config.WorkingDir))
  const user = flags.user || text(config.User)
  const labels = { ...(entries(config.Labels) as Record<string, string>), ...labelsOf(flags.label ?? []) }
  const mounts = mountsOf({
    // The same said twice is said once, as docker has it.
    volumes: [...new Set(flags.volume)],
    tmpfs: flags.tmpfs ?? [],
    imageVolumes: Object.keys(entries(config.Volumes)),
  })
  const stopTimeout = stopTimeoutOf(flags.stopTimeout)
  const openStdin = flags.interactive ?? false
  return {
    id: given.id,
    name: given.name,
    created: given.created,
    image: given.image,
    process: {
      args: [...program.entrypoint, ...program.command],
      env: processEnvironment(env, { hostname, terminal }),
      cwd,
      user,
      groups: flags.groupAdd ?? [],
      terminal,
      openStdin,
      init: flags.init ?? false,
      stopSignal: stopSignal.toUpperCase().replace(/^SIG/, ''),
      stopTimeout,
      ...securityOf(flags),
      rlimits: (flags.ulimit ?? []).map(parseUlimit),
    },
    config: containerConfig(config, {
      ...{ env, hostname, terminal, openStdin, user, cwd, stopSignal, labels, mounts, ...program },
      image: given.image.reference,
      ...(flags.stopTimeout !== undefined && { stopTimeout }),
    }),
    hostname,
    network: networkOf(flags, Object.keys(entries(config.ExposedPorts)), given.rootless ?? false),
    mounts,
    resources: resourcesOf(flags),
    rootfs: {
      ...(flags.rootfs !== undefined && { kind: rootfsOf(flags.rootfs) }),
      readonly: flags.readOnly ?? false,
    },
    labels,
    extraHosts: (flags.addHost ?? []).map(parseHost),
    ...(flags.dns && flags.dns.length > 0 && { dns: flags.dns.map(parseDns) }),
    autoRemove: flags.rm ?? false,
    runtime: runtimeOf(flags.runtime),
  }
}

const lines = (value: JsonValue | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly string[]) : []
const entries = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})
const text = (value: JsonValue | undefined): string => (typeof value === 'string' ? value : '')

/** ENTRYPOINT and CMD: an entrypoint of the user's takes the image's CMD away too; `--entrypoint ''` is none at all. */
const programOf = (
  config: JsonObject,
  { entrypoint: given, command: words = [] }: ContainerFlags,
): { readonly entrypoint: readonly string[]; readonly command: readonly string[] } => {
  const image = given === undefined
  const program = image ? lines(config.Entrypoint) : given === '' ? [] : [given]
  const command = image && words.length === 0 ? lines(config.Cmd) : words
  // An image may hold [""] where somebody took its entrypoint away.
  const entrypoint = program.join('') === '' ? [] : program
  if (entrypoint.length + command.length === 0)
    throw new LadingError('USAGE', 'No command specified: the image has none, so give one behind its name')
  return { entrypoint, command }
}

const workdirOf = (wanted: string | undefined, image: string): string => {
  if (wanted !== undefined && wanted !== '' && !wanted.startsWith('/'))
    throw new LadingError(
      'USAGE',
      `The working directory '${visible(wanted)}' is invalid, it needs to be an absolute path`,
    )
  return posix.resolve('/', wanted || image || '/')
}

const checkHostname = (name: string): string => {
  if (isHostname(name)) return name
  throw new LadingError('USAGE', `Invalid hostname format: ${visible(name)}`, { data: { hostname: name } })
}

const stopTimeoutOf = (value: string | undefined): number => {
  if (value === undefined) return 10
  if (!/^-?\d{1,9}$/.test(value)) throw badFlag('--stop-timeout', value, `parsing "${value}": invalid syntax`)
  return Math.max(-1, Number(value))
}

const networkOf = (flags: ContainerFlags, exposed: readonly string[], rootless: boolean): NetworkSettings => {
  const usual = rootless ? 'none' : 'bridge'
  const mode = flags.network === undefined || flags.network === 'default' ? usual : flags.network
  if (rootless && (mode === 'bridge' || (mode === 'none' && flags.publish?.length)))
    throw new LadingError(
      'UNSUPPORTED',
      `${mode === 'bridge' ? 'Network bridge' : 'Publishing ports'} needs root: an ordinary user's containers have no network, or the host's with --network host`,
    )
  if (mode !== 'bridge' && mode !== 'none' && mode !== 'host')
    throw new LadingError('USAGE', `Network ${visible(mode)} not found: wanted bridge, none or host`)
  const published = (flags.publish ?? []).flatMap(parsePublished)
  const taken = new Set(published.map(port => `${port.containerPort}/${port.protocol}`))
  const others = flags.publishAll
    ? exposedPorts(exposed).filter(port => !taken.has(`${port.containerPort}/${port.protocol}`))
    : []
  // As docker: ports of a container without a network of its own are said and come to nothing.
  return { mode, ports: mode === 'bridge' ? [...published, ...others] : [] }
}

const labelsOf = (labels: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    labels.map(label => {
      const equals = label.indexOf('=')
      if (equals === 0 || label === '') throw badFlag('-l, --label', label, 'a label needs a name')
      return equals < 0 ? [label, ''] : [label.slice(0, equals), label.slice(equals + 1)]
    }),
  )

const parseHost = (value: string): readonly [ip: string, name: string] => {
  const [, name, ip = ''] = /^([^:=]+)[:=]\[?(.+?)\]?$/.exec(value) ?? []
  if (name === undefined) throw badFlag('--add-host', value, `bad format for add-host: ${quoted(value)}`)
  if (!isIP(ip)) throw badFlag('--add-host', value, `invalid IP address in add-host: ${quoted(ip)}`)
  return [ip, name]
}

const parseDns = (value: string): string => {
  if (!isIP(value)) throw badFlag('--dns', value, `${value} is not an ip address`)
  return value
}

const rootfsOf = (kind: string): RootfsKind => {
  if (kind === 'erofs' || kind === 'overlay' || kind === 'copy') return kind
  throw badFlag('--rootfs', kind, 'wanted erofs, overlay or copy')
}

const runtimeOf = (runtime: string | undefined): ContainerSettings['runtime'] => {
  if (runtime === undefined || runtime === 'launcher' || runtime === 'runc' || runtime === 'crun')
    return runtime ?? 'launcher'
  throw badFlag(
    '--runtime',
    runtime,
    `unknown or invalid runtime name: ${runtime}; wanted launcher, runc or crun`,
  )
}
