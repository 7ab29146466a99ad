import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

/** What the file system has thrown, with the path in the tree (latin1) at which it did; other errors as they are. */
export const withPath = (path: string, error: unknown): unknown => {
  if (error instanceof Error && !(error instanceof LadingError) && 'code' in error)
    error.message = `${JSON.stringify(visible(Buffer.from(path, 'latin1')))}: ${error.message}`
  return error
}
