import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'

/** A name of its own for what is written in a folder first, and renamed to `path` when it is whole. */
export const draftName = (path: string): string =>
  `.${basename(path).slice(0, 50)}.${randomBytes(6).toString('hex')}`
