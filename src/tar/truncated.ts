import { LadingError } from '../spec/errors.js'

/** A tar that ends before it should. Offsets in bytes from its beginning. */
export const truncated = (where: string, found: number, wanted: number): LadingError =>
  new LadingError(
    'TRUNCATED',
    `The tar ends ${where}, at byte ${found}, wanted ${wanted} or more: it is truncated`,
    {
      data: { found, wanted },
    },
  )
