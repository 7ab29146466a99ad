import { fchmodSync, fchownSync, fstatSync, readFileSync } from 'node:fs'
import type { UnpackRules } from './attribute-writer.js'
import { pathIn, type SystemCalls } from './system-calls.js'

/**
 * Make the empty folder that is open as `root` one in which new files belong to whoever makes them, and find out
 * what else the place does to them: a folder above may hand down its group and its ACL.
 */
export const takeOver = (system: SystemCalls, root: number): UnpackRules => {
  const [uid, gid] = [process.geteuid!(), process.getegid!()]
  const status = fstatSync(root)
  if (status.gid !== gid || (status.mode & 0o2000) !== 0) {
    fchownSync(root, status.uid, gid)
    fchmodSync(root, 0o700)
  }
  const isHandedDown = system
    .xattrs(pathIn(root, Buffer.from('.')))
    .some(({ name }) => name.toString('latin1') === 'system.posix_acl_default')
  return { uid, gid, withheld: isHandedDown ? 0o777 : readUmask() }
}

/** Asking Node for it would change it for a moment. What is not known takes everything. */
const readUmask = (): number => {
  const [, umask = '777'] = /^Umask:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/status', 'latin1')) ?? []
  return Number.parseInt(umask, 8)
}
