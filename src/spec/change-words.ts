/**
 * The words of a Dockerfile instruction, as moby's shell lexer takes them: quotes group and go away, a
 * backslash takes the next character as it is, `$A`, `${A}`, `${A:-default}` and `${A:+other}` are expanded
 * (not within single quotes) from the environment set so far.
 */
import { LadingError } from './errors.js'

export type Environment = ReadonlyMap<string, string>

/** Split at spaces outside quotes; quotes and escapes stay, for `expand` to undo. */
export const splitWords = (text: string): readonly string[] => {
  const words: string[] = []
  let word = ''
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (character === '\\' && quote !== "'" && at + 1 < text.length) word += character + text[++at]!
    else if (quote !== '') {
      word += character
      if (character === quote) quote = ''
    } else if (/\s/.test(character)) {
      if (word !== '') words.push(word)
      word = ''
    } else {
      if (character === '"' || character === "'") quote = character
      word += character
    }
  }
  if (quote !== '')
    throw new LadingError('USAGE', `Bad change ${JSON.stringify(text)}: a quote ${quote} is not closed`)
  return word === '' ? words : [...words, word]
}

/** A word with its quotes and escapes undone and its variables replaced. */
export const expand = (word: string, environment: Environment): string => {
  let result = ''
  let quote = ''
  for (let at = 0; at < word.length; at++) {
    const character = word[at]!
    const next = word[at + 1]
    if (character === '\\' && quote !== "'" && next !== undefined) {
      // Within double quotes a backslash escapes only what would mean something.
      result += quote === '"' && !'"$\\'.includes(next) ? character + next : next
      at++
    } else if (character === quote) quote = ''
    else if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (character === '$' && quote !== "'") {
      const [whole, plain, braced, operator, word_ = ''] =
        /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?::([-+])([^}]*))?\})/.exec(word.slice(at)) ?? []
      if (whole === undefined) result += character
      else {
        const value = environment.get((plain ?? braced)!) ?? ''
        const other = expand(word_, environment)
        result += operator === '-' ? value || other : operator === '+' ? (value ? other : '') : value
        at += whole.length - 1
      }
    } else result += character
  }
  return result
}
