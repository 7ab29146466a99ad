import { LadingError } from '../spec/errors.js'

/** When an image says that it was made, RFC 3339: SOURCE_DATE_EPOCH (reproducible-builds.org) in place of the clock. */
export const createdNow = (): string => {
  const epoch = process.env.SOURCE_DATE_EPOCH
  if (epoch === undefined) return new Date().toISOString()
  if (/^\d{1,11}$/.test(epoch)) return new Date(Number(epoch) * 1000).toISOString()
  throw new LadingError('USAGE', `Bad SOURCE_DATE_EPOCH ${JSON.stringify(epoch)}: wanted seconds since 1970`)
}
