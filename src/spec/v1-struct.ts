/**
 * The image document of before Docker 1.10, as moby's Go structs write it (image.V1Image, container.Config):
 * every v1 ID is a hash of that text, so the order of the fields, and which are left out when empty, are
 * part of the format. Taken from the structs of Docker 20.10, which the archives of `docker save` follow.
 */
import { byBytes, goJson } from './canonical-json.js'
import { isObject, type JsonObject, type JsonValue } from './json.js'

/** Key, what an absent value becomes, and whether an empty value is left out. */
type FieldRule = readonly [key: string, empty: JsonValue, omitEmpty?: 'omit']

const configRules: readonly FieldRule[] = [
  ...([
    ['Hostname', ''],
    ['Domainname', ''],
    ['User', ''],
  ] as const),
  ...([
    ['AttachStdin', false],
    ['AttachStdout', false],
    ['AttachStderr', false],
  ] as const),
  ['ExposedPorts', null, 'omit'],
  ...([
    ['Tty', false],
    ['OpenStdin', false],
    ['StdinOnce', false],
    ['Env', null],
    ['Cmd', null],
  ] as const),
  ...([
    ['Healthcheck', null, 'omit'],
    ['ArgsEscaped', false, 'omit'],
  ] as const),
  ...([
    ['Image', ''],
    ['Volumes', null],
    ['WorkingDir', ''],
    ['Entrypoint', null],
  ] as const),
  ...([
    ['NetworkDisabled', false, 'omit'],
    ['MacAddress', '', 'omit'],
  ] as const),
  ...([
    ['OnBuild', null],
    ['Labels', null],
  ] as const),
  ...([
    ['StopSignal', '', 'omit'],
    ['StopTimeout', null, 'omit'],
    ['Shell', null, 'omit'],
  ] as const),
]
const healthRules: readonly FieldRule[] = [
  ...([
    ['Test', null, 'omit'],
    ['Interval', 0, 'omit'],
    ['Timeout', 0, 'omit'],
  ] as const),
  ...([
    ['StartPeriod', 0, 'omit'],
    ['Retries', 0, 'omit'],
  ] as const),
]

const isEmpty = (value: JsonValue): boolean =>
  value === null ||
  value === '' ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) && value.length === 0) ||
  (isObject(value) && Object.keys(value).length === 0)

const pick = (
  object: JsonObject,
  rules: readonly FieldRule[],
  shape: (key: string, value: JsonValue) => JsonValue,
) =>
  Object.fromEntries(
    rules
      .map(([key, empty, omit]) => ({ key, omit, value: shape(key, object[key] ?? empty) }))
      .filter(({ omit, value }) => !(omit && isEmpty(value)))
      .map(({ key, value }) => [key, value]),
  )

/** Go keeps Labels, Volumes and ports in maps, which it writes sorted; a Cmd may be a plain string. */
const shapeConfigField = (key: string, value: JsonValue): JsonValue => {
  if (key === 'Healthcheck' && isObject(value)) return pick(value, healthRules, (_, inner) => inner)
  if (isObject(value))
    return Object.fromEntries(
      Object.keys(value)
        .sort(byBytes)
        .map(name => [name, value[name]!]),
    )
  return (key === 'Cmd' || key === 'Entrypoint') && typeof value === 'string' ? [value] : value
}

const containerConfig = (value: JsonValue | undefined): JsonObject =>
  pick(isObject(value) ? value : {}, configRules, shapeConfigField)

/** Go's RFC 3339 with nanoseconds: no zeros at the end of the fraction; the zero time where there is none. */
export const goTime = (value: JsonValue | undefined): string =>
  typeof value === 'string' && value !== ''
    ? value.replace(/(\.\d*?)0+(?=Z|[+-])/, '$1').replace(/\.(?=Z|[+-])/, '')
    : '0001-01-01T00:00:00Z'

/** The fields of moby's image.V1Image, in its order, out of a config or a v1 document. */
export const v1Struct = (fields: JsonObject): Readonly<Record<string, JsonValue>> => {
  const text = (key: string) =>
    typeof fields[key] === 'string' && fields[key] !== '' ? { [key]: fields[key] } : {}
  return {
    ...text('id'),
    ...text('parent'),
    ...text('comment'),
    created: goTime(fields.created),
    ...text('container'),
    container_config: containerConfig(fields.container_config),
    ...text('docker_version'),
    ...text('author'),
    ...(isObject(fields.config) && { config: containerConfig(fields.config) }),
    ...text('architecture'),
    ...text('variant'),
    ...text('os'),
    ...(typeof fields.Size === 'number' && fields.Size !== 0 && { Size: fields.Size }),
  }
}

/** `v1Struct` as text. */
export const v1Json = (struct: Readonly<Record<string, JsonValue>>): string => goJson(struct)
