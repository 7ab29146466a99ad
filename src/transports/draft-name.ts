import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'

/** A name of its own for what is written in a folder first, and renamed to `path` when it is whole. */
export const draftName = (path: string): string =>
  `.${basename(path).slice(0, 50)}.${randomBytes(6).toString('hex')}`

/** The path of such a name beside `path`. */
export const draftBeside = (path: string): string => join(dirname(path), draftName(path))
