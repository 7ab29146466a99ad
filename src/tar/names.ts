import { LadingError } from '../spec/errors.js'
import { visible } from '../spec/escape.js'
import { limits } from '../spec/limits.js'

const slash = 0x2f

/**
 * The path below the root that a name in a layer means: without `./`, leading, doubled and trailing slashes,
 * `..` resolved and stopped at the root, as a chrooted unpacking does (docker's). Empty for the root itself.
 * Throws BAD_TAR for a NUL, LIMIT_EXCEEDED for what no file system takes.
 */
export const normalizePath = (path: Buffer): Buffer =>
  isNormal(path) ? path : Buffer.from(normalize(path), 'latin1')

/** Most names are as they should be but for a slash at the end. */
const isNormal = (path: Buffer): boolean => {
  if (
    path.length === 0 ||
    path.length > limits.pathComponent ||
    path[0] === slash ||
    path.at(-1) === slash ||
    path.includes(0)
  )
    return false
  for (let at = 0; at < path.length; at++) {
    if (path[at] !== 0x2e || (at > 0 && path[at - 1] !== slash)) continue
    // A component that begins with a dot: `.` and `..` are not names.
    const next = path[at + 1]
    if (next === undefined || next === slash) return false
    if (next === 0x2e && (path[at + 2] === undefined || path[at + 2] === slash)) return false
  }
  return !path.includes('//')
}

const normalize = (path: Buffer): string => {
  const fail = (limit: string, most: number): LadingError =>
    new LadingError(
      'LIMIT_EXCEEDED',
      `Bad path ${JSON.stringify(visible(path.subarray(0, 100)))}: its ${limit} is over ${most}`,
    )
  if (path.includes(0))
    throw new LadingError('BAD_TAR', `Bad path ${JSON.stringify(visible(path))}: it holds a NUL`)
  if (path.length > limits.path) throw fail('length', limits.path)
  const parts: string[] = []
  for (const part of path.toString('latin1').split('/')) {
    if (part.length > limits.pathComponent) throw fail('longest component', limits.pathComponent)
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  if (parts.length > limits.pathDepth) throw fail('depth', limits.pathDepth)
  return parts.join('/')
}
