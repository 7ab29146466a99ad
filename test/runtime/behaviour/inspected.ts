import { isObject } from '../../../src/spec/json.js'

/** Fields of docker's `inspect`, and where lading's has the same. */
const fields: Readonly<Record<string, string>> = {
  'State.Status': 'state.status',
  'State.ExitCode': 'state.exitCode',
  'State.OOMKilled': 'state.oomKilled',
  'State.StartedAt': 'state.startedAt',
  'Config.User': 'process.user',
  'Config.Env': 'config.Env',
  'Config.Cmd': 'config.Cmd',
  'Config.Entrypoint': 'config.Entrypoint',
  'Config.WorkingDir': 'config.WorkingDir',
  'Config.Hostname': 'hostname',
  'Config.Labels': 'labels',
  'Config.Image': 'image.reference',
  'Config.Tty': 'process.terminal',
  'Config.OpenStdin': 'process.openStdin',
  'HostConfig.Memory': 'resources.memory',
  'HostConfig.PidsLimit': 'resources.pids',
  'HostConfig.ReadonlyRootfs': 'rootfs.readonly',
  'HostConfig.AutoRemove': 'autoRemove',
  Name: 'name',
  Image: 'image.id',
}

const at = (value: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((inner, name) => (isObject(inner as never) ? (inner as never)[name] : undefined), value)

export const readDocker = (text: string, names: readonly string[]): string =>
  namedFields(names, name => at(JSON.parse(text)[0], name))

export const readLading = (text: string, names: readonly string[]): string =>
  namedFields(names, name => at(JSON.parse(text), fields[name]!))

const namedFields = (names: readonly string[], read: (name: string) => unknown): string =>
  names.map(name => `${name}=${plain(name, read(name))}`).join(' ')

const plain = (name: string, value: unknown): string => {
  // Docker's client puts variables into a map: they come in any order.
  if (name === 'Config.Env') return JSON.stringify([...(value as string[])].sort())
  if (typeof value === 'string') return name === 'Name' ? value.replace(/^\//, '') : value
  return isObject(value as never)
    ? JSON.stringify(value, Object.keys(value as object).sort())
    : JSON.stringify(value ?? null)
}
