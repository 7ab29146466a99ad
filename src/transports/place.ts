import { existsSync } from 'node:fs'
import { LadingError } from '../spec/errors.js'

/** Where images are, as a user names it; `query` picks among them (a name, an ID or `@N`). */
export type ImagePlace =
  | {
      readonly kind: 'docker-archive' | 'oci-archive' | 'oci'
      readonly path: string
      readonly query?: string
    }
  /** A path or `-`, to be recognised by its content. */
  | { readonly kind: 'unknown'; readonly path: string; readonly query?: string }
  | {
      readonly kind: 'store'
      readonly query?: string /** A bare word, which might have been meant as a path. */
      readonly bare?: true
    }
  /** One of the store; `query`: its name or ID. */
  | { readonly kind: 'container'; readonly query: string }

/** Where one file tree is: a flat tar (or `-`), an unpacked folder. */
export interface SnapshotPlace {
  readonly kind: 'rootfs' | 'dir'
  readonly path: string
}

export type Place = ImagePlace | SnapshotPlace

export const isSnapshotPlace = (place: Place): place is SnapshotPlace =>
  place.kind === 'rootfs' || place.kind === 'dir'

const planned = ['docker-daemon', 'docker']

/**
 * `docker-archive:FILE[:REF|:@N]`, `oci-archive:FILE[:REF]`, `oci:DIR[:REF]`, `rootfs:FILE`, `dir:DIR`, `store:[REF]`,
 * `container:ID`;
 * skopeo's names and syntax. A bare path that exists, and `-`, are recognised by their content; any other bare word is a name in
 * the store. Throws BAD_PLACE.
 */
export const parsePlace = (text: string, exists: (path: string) => boolean = existsSync): Place => {
  if (text === '') throw new LadingError('BAD_PLACE', 'A place cannot be empty')
  if (text === '-' || exists(text)) return { kind: 'unknown', path: text }
  const [, kind, rest = ''] = /^([a-z-]+):(.*)$/s.exec(text) ?? []
  if (kind === 'store') return rest === '' ? { kind } : { kind, query: rest }
  if (kind === 'container' && rest !== '') return { kind, query: rest }
  if (kind === 'docker-archive' || kind === 'oci-archive' || kind === 'oci')
    return { kind, ...splitQuery(text, rest, exists) }
  if ((kind === 'rootfs' || kind === 'dir') && !/^\d*$/.test(rest)) return { kind, path: rest }
  if (kind !== undefined && planned.includes(kind) && !/^\d*$/.test(rest))
    throw new LadingError(
      'BAD_PLACE',
      `Cannot read ${JSON.stringify(text)}: this version knows docker-archive:, oci-archive:, oci:, rootfs:, dir:, store: and container:`,
    )
  if (/^\.{0,2}\//.test(text)) throw new LadingError('NOT_FOUND', `There is nothing at ${text}`)
  return { kind: 'store', query: text, bare: true }
}

/** A place to write to: what has no kind before it is a path, whether it exists or not. Throws BAD_PLACE. */
export const parseDestination = (text: string): Place =>
  /^[a-z-]+:/.test(text) || text === '' ? parsePlace(text, () => false) : { kind: 'unknown', path: text }

/** A path with a colon in it is taken as it is if it exists; otherwise the query begins at the first colon. */
const splitQuery = (
  text: string,
  rest: string,
  exists: (path: string) => boolean,
): { path: string; query?: string } => {
  const colon = rest.indexOf(':')
  const path = colon < 0 || exists(rest) ? rest : rest.slice(0, colon)
  if (path === '')
    throw new LadingError('BAD_PLACE', `Bad place ${JSON.stringify(text)}: a path must follow the colon`)
  const query = rest.slice(path.length + 1)
  return query === '' ? { path } : { path, query }
}
