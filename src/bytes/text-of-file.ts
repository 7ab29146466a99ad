import { readFileSync } from 'node:fs'

/** A short text, UTF-8; undefined where it cannot be read, whyever. At once: of such files a start reads dozens. */
export const textOfFile = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
