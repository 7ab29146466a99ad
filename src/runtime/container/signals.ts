import { constants } from 'node:os'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

/** Of glibc, as every program counts them. */
const realTime = { first: 34, last: 64 } as const

/** The number of `TERM`, `SIGTERM`, `term`, `15`, `RTMIN+3` or `RTMAX-1`. Throws USAGE `Invalid signal: X`. */
export const signalNumber = (text: string): number => {
  const name = text.toUpperCase().replace(/^SIG/, '')
  const known = (constants.signals as Readonly<Record<string, number>>)[`SIG${name}`]
  if (known !== undefined) return known
  const [, end, offset = '0'] = /^(RTMIN|RTMAX)(?:([+-]\d{1,2}))?$/.exec(name) ?? []
  const number = /^\d{1,2}$/.test(name)
    ? Number(name)
    : end === undefined
      ? 0
      : (end === 'RTMIN' ? realTime.first : realTime.last) + Number(offset)
  if (number >= 1 && number <= realTime.last && (end === undefined || number >= realTime.first)) return number
  throw new LadingError('USAGE', `Invalid signal: ${visible(text)}`, { data: { signal: text } })
}
