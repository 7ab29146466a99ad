/** Divide a command line into words as a shell does: quotes hold together, a backslash takes the next character as it is. */
export const wordsOf = (line: string): readonly string[] => {
  const words: string[] = []
  const pattern = /\s*((?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+)/gs
  for (const [, word = ''] of line.matchAll(pattern))
    words.push(
      word.replace(
        /'([^']*)'|"([^"]*)"|\\(.)/gs,
        (_, single?: string, double?: string, escaped?: string) => single ?? double ?? escaped ?? '',
      ),
    )
  return words
}
