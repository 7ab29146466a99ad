import { fchmodSync, fchownSync } from 'node:fs'
import type { Xattr } from '../../tar/entry.js'
import type { FlatEntry } from '../flat-entry.js'
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

type Entry = FlatEntry['entry']

/** Gives files their owners, attributes, modes and times: for real as root, otherwise partly as notes. */
export class AttributeWriter {
  readonly losses = { xattrs: 0, owners: 0, devices: 0, records: 0 }
  readonly self = { uid: process.geteuid!(), gid: process.getegid!() }
  readonly #system: SystemCalls

  constructor(system: SystemCalls) {
    this.#system = system
  }

  get privileged(): boolean {
    return this.self.uid === 0
  }

  /** All of what is open as `fd` and found at `path` (of pathIn), in the order in which nothing undoes another. */
  finish(fd: number, path: Buffer, entry: Entry): void {
    const { uid = 0, gid = 0 } = entry
    if (this.privileged) {
      if (uid !== this.self.uid || gid !== this.self.gid) fchownSync(fd, uid, gid)
    } else if (uid !== 0 || gid !== 0) {
      if (!this.set(path, ownerNote({ uid, gid }))) this.losses.owners++
    }
    this.setAll(path, entry)
    fchmodSync(fd, entry.mode ?? 0o644)
    this.#system.setOpenTime(fd, entry.mtime ?? epoch)
  }

  setAll(path: Buffer, { xattrs = [], records = [] }: Entry): void {
    for (const xattr of xattrs) this.#setOrHold(path, xattr)
    for (const record of records) {
      const acl = aclXattr(record)
      if (acl === undefined) this.losses.records++
      else this.#setOrHold(path, acl)
    }
  }

  /** False where the file system, or the user's rank, does not allow it. */
  set(path: Buffer, xattr: Xattr): boolean {
    try {
      this.#system.setXattr(path, xattr)
      return true
    } catch (error) {
      if (refusals.has((error as NodeJS.ErrnoException).code ?? '')) return false
      throw error
    }
  }

  #setOrHold(path: Buffer, xattr: Xattr): void {
    if (this.set(path, xattr)) return
    if (this.privileged || !this.set(path, heldNote(xattr))) this.losses.xattrs++
  }
}
