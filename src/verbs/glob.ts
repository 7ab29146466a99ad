/**
 * A glob over paths as bytes (latin1 text, one character a byte): `*` and `?` stop at slashes, `**` does not,
 * `[a-z]` and `[!a]` are sets, a backslash takes the next character as it is. A pattern without a slash is
 * matched against the last component.
 */
export const globMatcher = (pattern: string): ((path: string) => boolean) => {
  const text = Buffer.from(pattern).toString('latin1').replace(/^\//, '')
  const expression = new RegExp(`^${translate(text)}$`, 's')
  return text.includes('/')
    ? path => expression.test(path)
    : path => expression.test(path.slice(path.lastIndexOf('/') + 1))
}

const translate = (glob: string): string => {
  let result = ''
  for (let at = 0; at < glob.length; at++) {
    const character = glob[at]!
    if (glob.startsWith('**/', at)) {
      result += '(?:.*/)?'
      at += 2
    } else if (glob.startsWith('**', at)) {
      result += '.*'
      at += 1
    } else if (character === '*') result += '[^/]*'
    else if (character === '?') result += '[^/]'
    else if (character === '[' && glob.indexOf(']', at + 2) > 0) {
      const end = glob.indexOf(']', at + 2)
      const set = glob.slice(at + 1, end).replace(/[\\\]^[]/g, '\\$&')
      result += `(?!/)[${set.replace(/^!/, '^')}]`
      at = end
    } else if (character === '\\' && at + 1 < glob.length) result += quote(glob[++at]!)
    else result += quote(character)
  }
  return result
}

const quote = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
