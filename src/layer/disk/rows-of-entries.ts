import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { Contents } from '../content.js'
import type { FlatEntry } from '../flat-entry.js'
import { extraOf, impliedRow, type TreeRow } from './tree-row.js'

/**
 * Entries as flatEntries gives them (parents first, targets before their links), as rows. Throws BAD_TAR for what
 * no tree has: a name in a folder that is not there, or that leads out of it.
 */
export function* rowsOfEntries(entries: Iterable<FlatEntry>, contents: Contents): Iterable<TreeRow> {
  const folders = ['']
  for (const { entry, content } of entries) {
    const path = entry.path.toString('latin1').replace(/\/$/, '')
    const { type, uid = 0, gid = 0, mtime: { seconds, nanos } = impliedRow, linkPath } = entry
    const mode = entry.mode ?? (type === 'directory' ? 0o755 : 0o644)
    const sparse = content?.entry.sparse
    const extra = extraOf({ ...entry, ...(sparse && { sparse }) })
    const row = { ...impliedRow, type, mode, uid, gid, seconds, nanos, extra }
    if (path === '.') {
      yield row
      continue
    }
    const slash = path.lastIndexOf('/')
    const folder = path.slice(0, Math.max(slash, 0))
    while (folders.at(-1) !== folder && folders.length > 1) folders.pop()
    if (folders.at(-1) !== folder) throw bad(folder, 'is not there yet')
    const link = linkPath?.toString('latin1') ?? ''
    for (const name of type === 'hardlink' ? [path, ...link.split('/')] : [path])
      if (!isName(name.slice(name.lastIndexOf('/') + 1))) throw bad(path, 'is no path in a tree')
    const { size = 0, storedSize = 0 } = content?.entry ?? {}
    const region = size > 0 && storedSize > 0 ? contents.regionOf?.(content!) : undefined
    yield {
      ...row,
      ...{ depth: folders.length, name: path.slice(slash + 1), link, isLinked: true },
      ...{ size, storedSize: size > 0 ? storedSize : 0, content },
      ...(region && { fd: region.fd, offset: region.offset }),
    }
    if (type === 'directory') folders.push(path)
  }
}

const isName = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !name.includes('\0')

const bad = (path: string, why: string): LadingError =>
  new LadingError('BAD_TAR', `${JSON.stringify(visible(Buffer.from(path, 'latin1')))} ${why}`)
