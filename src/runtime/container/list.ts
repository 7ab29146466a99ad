import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import { statusOf } from './control.js'
import type { ContainersPlaces } from './places.js'
import { type Container, listRecords } from './record.js'
import type { ContainerStatus } from './state.js'

export interface ListedContainer {
  readonly container: Container
  readonly status: ContainerStatus
}

type Filter = (listed: ListedContainer) => boolean

const filters: Readonly<Record<string, (value: string) => Filter>> = {
  id:
    value =>
    ({ container }) =>
      container.settings.id.startsWith(value),
  name: value => {
    const wanted = value.replace(/^\//, '')
    return ({ container }) => container.settings.name.includes(wanted)
  },
  status:
    value =>
    ({ status }) =>
      status === value,
  label: value => {
    const [, name = value, wanted] = /^([^=]+)=(.*)$/s.exec(value) ?? []
    return ({ container: { settings } }) =>
      Object.hasOwn(settings.labels, name) && (wanted === undefined || settings.labels[name] === wanted)
  },
  exited:
    value =>
    ({ container, status }) =>
      status === 'exited' && container.state.exitCode === Number(value),
  ancestor:
    value =>
    ({ container: { settings } }) =>
      settings.image.reference === value ||
      [settings.image.id, settings.image.manifest].some(
        digest => digest === value || digest.replace(/^sha\d+:/, '').startsWith(value),
      ),
  network:
    value =>
    ({ container }) =>
      container.settings.network.mode === value,
  volume:
    value =>
    ({ container }) =>
      container.settings.mounts.some(
        mount => mount.target === value || (mount.type === 'volume' && mount.volume === value),
      ),
}

/** `NAME=VALUE` as docker ps has them: filters of one name add up, of different names all must hold. Throws USAGE. */
export const readFilters = (words: readonly string[]): Filter => {
  const byName = new Map<string, Filter[]>()
  for (const word of words) {
    const [, name = '', value = ''] = /^(\w+)=(.*)$/s.exec(word) ?? []
    const make = Object.hasOwn(filters, name) ? filters[name] : undefined
    if (make === undefined)
      throw new LadingError(
        'USAGE',
        `Invalid filter '${visible(word)}': wanted ${Object.keys(filters).join('=, ')}=`,
      )
    byName.set(name, [...(byName.get(name) ?? []), make(value)])
  }
  return listed => [...byName.values()].every(some => some.some(filter => filter(listed)))
}

/** Newest first; those that do not run only with `all`, or when a filter is about how they are. */
export const listContainers = async (
  places: ContainersPlaces,
  { all = false, filter = [] }: { all?: boolean; filter?: readonly string[] } = {},
): Promise<readonly ListedContainer[]> => {
  const wanted = readFilters(filter)
  const anyStatus = all || filter.some(word => /^(?:status|exited)=/.test(word))
  const listed = await Promise.all(
    listRecords(places).map(async container => ({ container, status: await statusOf(container) })),
  )
  return listed.filter(
    each => (anyStatus || each.status === 'running' || each.status === 'paused') && wanted(each),
  )
}
