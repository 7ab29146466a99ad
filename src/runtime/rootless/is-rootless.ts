import { readFileSync } from 'node:fs'

let rootless: boolean | undefined

/**
 * Whether this process lacks what the host's root can do: as an ordinary user, and as root of a user namespace, which
 * may mount overlayfs but not EROFS, make no devices and has no control groups (user_namespaces(7)).
 */
export const isRootless = (): boolean => {
  rootless ??= process.getuid?.() !== 0 || !isWholeMap(readFileSync('/proc/self/uid_map', 'utf8'))
  return rootless
}

/** Of the first user namespace: every ID is what it is. */
const isWholeMap = (map: string): boolean => /^\s*0\s+0\s+4294967295\s*$/.test(map)

/** Whether this process has yet to become root of a user namespace before it can do anything to a container's files. */
export const isOrdinaryUser = (): boolean => process.platform === 'linux' && process.getuid?.() !== 0
