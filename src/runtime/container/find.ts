import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { ContainersPlaces } from './places.js'
import { type Container, listIds, readRecord } from './record.js'
import { idOfName } from './taken-names.js'

/**
 * The container that a user means: by its whole ID, its name, or a beginning of its ID, in this order as docker has
 * it. Throws NOT_FOUND, AMBIGUOUS for the beginning of several.
 */
export const findContainer = (all: ContainersPlaces, query: string): Container => {
  const container = lookForContainer(all, query)
  if (container) return container
  throw new LadingError('NOT_FOUND', `No such container: ${visible(query)}`, { data: { query } })
}

/** The same, undefined where there is none. Throws AMBIGUOUS. */
export const lookForContainer = (all: ContainersPlaces, query: string): Container | undefined => {
  if (/^[0-9a-f]{64}$/.test(query)) return readRecord(all, query)
  const name = query.replace(/^\//, '')
  if (/^[a-zA-Z0-9_.-]+$/.test(name)) {
    const id = idOfName(all, name)
    const named = id === undefined ? undefined : readRecord(all, id)
    if (named) return named
  }
  if (!/^[0-9a-f]{1,63}$/.test(query)) return undefined
  const ids = listIds(all).filter(id => id.startsWith(query))
  if (ids.length > 1)
    throw new LadingError(
      'AMBIGUOUS',
      `Multiple IDs found with provided prefix: ${query} (${ids.map(id => id.slice(0, 12)).join(', ')})`,
      { data: { query, found: ids } },
    )
  return ids[0] === undefined ? undefined : readRecord(all, ids[0])
}
