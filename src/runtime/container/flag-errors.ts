import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'

/** A value of a flag that makes no sense, in docker's words: `Invalid argument "x" for "-m, --memory" flag: …`. */
export const badFlag = (flag: string, value: string, problem: string): LadingError =>
  new LadingError('USAGE', `Invalid argument ${quoted(value)} for ${quoted(flag)} flag: ${problem}`, {
    data: { flag, value },
  })

export const quoted = (text: string): string => JSON.stringify(visible(text))
