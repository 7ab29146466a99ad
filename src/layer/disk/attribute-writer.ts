import { fchmodSync, fchownSync } from 'node:fs'
import type { Xattr } from '../../tar/entry.js'
import type { ReadRow } from './part.js'
import { aclXattr } from './posix-acl.js'
import { heldNote, ownerNote } from './rootless-notes.js'
import type { SystemCalls } from './system-calls.js'

/** What could not be made, by the number of files. */
export interface UnpackLosses {
  /** Attributes that the file system does not take. */
  readonly xattrs: number
  /** Owners that could be given neither for real nor as a note. */
  readonly owners: number
  /** Devices for which not even a note could be left. */
  readonly devices: number
  /** PAX records that nothing on disk stands for. */
  readonly records: number
}

/** What is not known of a file's time. */
export const epoch = { seconds: 0, nanos: 0 }

/** No attributes here, not for this kind of file, not for this user, no room for them, a value it does not take. */
const refusals = new Set(['ENOTSUP', 'EPERM', 'EACCES', 'E2BIG', 'ENOSPC', 'ERANGE', 'EINVAL'])

/** Who unpacks, and what the place makes of modes. */
export interface UnpackRules {
  readonly uid: number
  readonly gid: number
  /** Bits of a mode that a new file does not get when it is made: the umask, or all, where an ACL has a say. */
  readonly withheld: number
}

type Row = Pick<ReadRow, 'type' | 'mode' | 'uid' | 'gid' | 'seconds' | 'nanos' | 'extra'>

/** Gives files their owners, attributes, modes and times: for real as root, otherwise partly as notes. */
export class AttributeWriter {
  readonly losses = { xattrs: 0, owners: 0, devices: 0, records: 0 }
  readonly #rules: UnpackRules
  readonly #system: SystemCalls

  constructor(system: SystemCalls, rules: UnpackRules) {
    this.#system = system
    this.#rules = rules
  }

  get privileged(): boolean {
    return this.#rules.uid === 0
  }

  /**
   * Whether a file or a folder may be made with its own mode, and need not be given it in the end: nothing takes
   * from it, and what else it gets needs no other.
   */
  mayHaveMode({ type, mode, uid, gid, extra }: Row): boolean {
    const needed = type === 'directory' ? 0o700 : 0
    if ((mode & (~0o777 | this.#rules.withheld)) !== 0 || (mode & needed) !== needed) return false
    const isNoted = !this.privileged && (uid !== 0 || gid !== 0)
    return !isNoted && extra?.xattrs === undefined && extra?.records === undefined
  }

  /** All of what is open as `fd`, in the order in which nothing undoes another. */
  finish(fd: number, row: Row, hasMode: boolean): void {
    const { mode, uid, gid } = row
    if (this.privileged) {
      if (uid !== this.#rules.uid || gid !== this.#rules.gid) fchownSync(fd, uid, gid)
    } else if (uid !== 0 || gid !== 0) {
      if (!this.set(fd, ownerNote({ uid, gid }))) this.losses.owners++
    }
    this.setAll(fd, row)
    if (!hasMode) fchmodSync(fd, mode)
    this.#system.setOpenTime(fd, row)
  }

  /** `at` is a descriptor, or a path of pathIn. */
  setAll(at: number | Buffer, { extra }: Row): void {
    for (const xattr of extra?.xattrs ?? []) this.#setOrHold(at, xattr)
    for (const record of extra?.records ?? []) {
      const acl = aclXattr(record)
      if (acl === undefined) this.losses.records++
      else this.#setOrHold(at, acl)
    }
  }

  /** False where the file system, or the user's rank, does not allow it. */
  set(at: number | Buffer, xattr: Xattr): boolean {
    try {
      if (typeof at === 'number') this.#system.setOpenXattr(at, xattr)
      else this.#system.setXattr(at, xattr)
      return true
    } catch (error) {
      if (refusals.has((error as NodeJS.ErrnoException).code ?? '')) return false
      throw error
    }
  }

  #setOrHold(at: number | Buffer, xattr: Xattr): void {
    if (this.set(at, xattr)) return
    if (this.privileged || !this.set(at, heldNote(xattr))) this.losses.xattrs++
  }
}
