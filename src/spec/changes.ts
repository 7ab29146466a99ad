/**
 * `--change`: Dockerfile instructions applied to a config, as `docker import` and `docker commit` take them
 * (moby builder/dockerfile, validCommitCommands), and their removals, which docker does not have: `UNSET ENV X`,
 * `UNEXPOSE`, `UNVOLUME`, `UNLABEL`, and `UNSET` of whole fields. All are checked before any is applied.
 */
import { posix } from 'node:path'
import { type Environment, expand, splitWords } from './change-words.js'
import { LadingError } from './errors.js'
import { isObject, type JsonObject, type JsonValue, parseJson } from './json.js'

/** A new `config` object with the changes made to it, in order. Throws USAGE naming the change. */
export const applyChanges = (config: JsonObject, changes: readonly string[]): JsonObject => {
  let changed: JsonObject = config
  for (const change of changes) {
    const [, name = '', rest = ''] = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(change) ?? []
    const apply = Object.hasOwn(instructions, name.toUpperCase())
      ? instructions[name.toUpperCase()]!
      : undefined
    if (apply === undefined)
      throw new LadingError(
        'USAGE',
        `Bad change ${JSON.stringify(change)}: wanted one of ${Object.keys(instructions).join(', ')}`,
      )
    const wrong = (problem: string): LadingError =>
      new LadingError('USAGE', `Bad change ${JSON.stringify(change)}: ${problem}`)
    const text = rest.trim()
    if (text === '') throw wrong(`${name.toUpperCase()} needs something behind it`)
    changed = { ...changed, ...apply(text, { config: changed, environment: environmentOf(changed), wrong }) }
  }
  return changed
}

interface Context {
  readonly config: JsonObject
  readonly environment: Environment
  wrong(problem: string): LadingError
}
/** The fields that change. */
type Instruction = (text: string, context: Context) => JsonObject

const lines = (value: JsonValue | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly string[]) : []
const entries = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})
const environmentOf = (config: JsonObject): Environment =>
  new Map(lines(config.Env).map(line => [line.split('=')[0]!, line.slice(line.indexOf('=') + 1)]))

/** `A=b C="d e"`, or the old `A the rest`. */
const pairs = (
  text: string,
  { environment, wrong }: Context,
  kind: string,
): readonly (readonly [string, string])[] => {
  const words = splitWords(text)
  if (!words[0]!.includes('=')) {
    const [, key, value] = /^(\S+)\s+(.*)$/s.exec(text) ?? []
    if (key === undefined) throw wrong(`${kind} must have two arguments`)
    return [[expand(key, environment), expand(value!, environment)]]
  }
  return words.map(word => {
    const equals = word.indexOf('=')
    if (equals <= 0) throw wrong(`${JSON.stringify(word)} is not NAME=VALUE`)
    return [expand(word.slice(0, equals), environment), expand(word.slice(equals + 1), environment)] as const
  })
}

/** A JSON list of strings; undefined for anything else, which then is a shell's. */
const jsonList = (text: string): readonly string[] | undefined => {
  if (!text.startsWith('[')) return undefined
  try {
    const value = parseJson(Buffer.from(text), { what: 'change', maxBytes: 1 << 20 })
    return Array.isArray(value) && value.every(item => typeof item === 'string')
      ? (value as string[])
      : undefined
  } catch (error) {
    if (error instanceof LadingError) return undefined
    throw error
  }
}
const command = (text: string, { config }: Context): readonly string[] =>
  jsonList(text) ?? [...(lines(config.Shell).length > 0 ? lines(config.Shell) : ['/bin/sh', '-c']), text]

const without = (object: JsonObject, keys: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)))

/** `80`, `80/udp`, `8000-8002/tcp`, each port by itself. */
const ports = (text: string, { environment, wrong }: Context): readonly string[] =>
  splitWords(text)
    .map(word => expand(word, environment))
    .flatMap(word => {
      const [, low, high = low, protocol = 'tcp'] =
        /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? []
      if (low === undefined || Number(high) > 65_535 || Number(low) > Number(high))
        throw wrong(`${JSON.stringify(word)} is no port`)
      return Array.from(
        { length: Number(high) - Number(low) + 1 },
        (_, index) => `${Number(low) + index}/${protocol.toLowerCase()}`,
      )
    })

const words = (text: string, { environment }: Context): readonly string[] =>
  jsonList(text) ?? splitWords(text).map(word => expand(word, environment))

const setAll = (object: JsonObject, keys: readonly string[]): JsonObject => ({
  ...object,
  ...Object.fromEntries(keys.map(key => [key, {}])),
})

const withVariables = (
  env: readonly string[],
  set: readonly (readonly [string, string])[],
): readonly string[] => {
  const result = [...env]
  for (const [key, value] of set) {
    const at = result.findIndex(line => line.split('=')[0] === key)
    if (at < 0) result.push(`${key}=${value}`)
    else result[at] = `${key}=${value}`
  }
  return result
}

const nanoseconds: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}

/** Go's durations: `1m30s`, `500ms`. */
const duration = (text: string, { wrong }: Context): number => {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|\u00b5s|ms|s|m|h))+$/.test(text))
    throw wrong(`${JSON.stringify(text)} is no duration`)
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|\u00b5s|ms|s|m|h)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * nanoseconds[unit!]!,
    0,
  )
}

const healthcheck: Instruction = (text, context) => {
  if (text.toUpperCase() === 'NONE') return { Healthcheck: { Test: ['NONE'] } }
  const fields: Record<string, JsonValue> = {}
  let rest = text
  for (
    let match = /^--(interval|timeout|start-period|start-interval|retries)=(\S+)\s+(.*)$/s.exec(rest);
    match;
  ) {
    const [, flag, value] = match
    if (flag === 'retries') {
      if (!/^\d{1,9}$/.test(value!)) throw context.wrong(`${JSON.stringify(value)} is no number of retries`)
      fields.Retries = Number(value)
    } else
      fields[flag!.replace(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase())] = duration(
        value!,
        context,
      )
    rest = match[3]!
    match = /^--(interval|timeout|start-period|start-interval|retries)=(\S+)\s+(.*)$/s.exec(rest)
  }
  const [, body] = /^CMD\s+(.+)$/is.exec(rest) ?? []
  if (body === undefined) throw context.wrong('wanted HEALTHCHECK [--OPTION=…] CMD …, or HEALTHCHECK NONE')
  const list = jsonList(body)
  return { Healthcheck: { Test: list ? ['CMD', ...list] : ['CMD-SHELL', body], ...fields } }
}

const removable = ['ENTRYPOINT', 'CMD', 'USER', 'WORKDIR', 'STOPSIGNAL', 'HEALTHCHECK', 'ONBUILD']
const fieldNames: Readonly<Record<string, string>> = {
  ...{ ENTRYPOINT: 'Entrypoint', CMD: 'Cmd', USER: 'User', WORKDIR: 'WorkingDir', STOPSIGNAL: 'StopSignal' },
  ...{ HEALTHCHECK: 'Healthcheck', ONBUILD: 'OnBuild' },
}

const unset: Instruction = (text, { config, wrong }) => {
  const [what = '', ...names] = splitWords(text)
  if (what.toUpperCase() === 'ENV' && names.length > 0)
    return { Env: lines(config.Env).filter(line => !names.includes(line.split('=')[0]!)) }
  if (removable.includes(what.toUpperCase()) && names.length === 0)
    return { [fieldNames[what.toUpperCase()]!]: undefined }
  throw wrong(`wanted UNSET ENV NAME…, or UNSET and one of ${removable.join(', ')}`)
}

const instructions: Readonly<Record<string, Instruction>> = {
  CMD: (text, context) => ({ Cmd: command(text, context) }),
  ENTRYPOINT: (text, context) => ({ Entrypoint: command(text, context) }),
  ENV: (text, context) => ({ Env: withVariables(lines(context.config.Env), pairs(text, context, 'ENV')) }),
  EXPOSE: (text, context) => ({
    ExposedPorts: setAll(entries(context.config.ExposedPorts), ports(text, context)),
  }),
  HEALTHCHECK: healthcheck,
  LABEL: (text, context) => ({
    Labels: { ...entries(context.config.Labels), ...Object.fromEntries(pairs(text, context, 'LABEL')) },
  }),
  ONBUILD: (text, { config }) => ({ OnBuild: [...lines(config.OnBuild), text] }),
  STOPSIGNAL: (text, { environment }) => ({ StopSignal: expand(text, environment) }),
  USER: (text, { environment }) => ({ User: expand(text, environment) }),
  VOLUME: (text, context) => ({ Volumes: setAll(entries(context.config.Volumes), words(text, context)) }),
  WORKDIR: (text, { config, environment }) => ({
    WorkingDir: posix.resolve(
      '/',
      typeof config.WorkingDir === 'string' ? config.WorkingDir : '',
      expand(text, environment),
    ),
  }),
  UNEXPOSE: (text, context) => ({
    ExposedPorts: without(entries(context.config.ExposedPorts), ports(text, context)),
  }),
  UNLABEL: (text, context) => ({ Labels: without(entries(context.config.Labels), words(text, context)) }),
  UNSET: unset,
  UNVOLUME: (text, context) => ({ Volumes: without(entries(context.config.Volumes), words(text, context)) }),
}
