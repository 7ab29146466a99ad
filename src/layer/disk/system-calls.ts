/**
 * The system calls that a tree on disk needs and Node does not have. All take a folder's descriptor and one
 * name in it, never a joined path: a name is resolved once, by the kernel, in the very folder that was opened,
 * so nobody can put a symbolic link in the way between a check and its use (CVE-2025-47290). A name that has
 * its NUL already is not copied for the call, and may have anything behind it. Linux on x86-64 and arm64, whose
 * numbers these are.
 */
import { constants } from 'node:fs'
import { type LibraryArguments, type LibraryFunction, loadCLibrary } from '../../bytes/libc.js'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { Timestamp, Xattr } from '../../tar/entry.js'

export interface SystemCalls {
  /** A descriptor of what `name` is in `folder`; never through a symbolic link. */
  open(folder: number, name: Buffer, flags: number, mode?: number): number
  /** Of what `open` has opened: Node wants to hear in each thread of what is opened there. */
  close(fd: number): void
  makeFolder(folder: number, name: Buffer, mode: number): void
  /** `mode` with the type bits. */
  makeNode(folder: number, name: Buffer, mode: number, major: number, minor: number): void
  makeSymlink(target: Buffer, folder: number, name: Buffer): void
  /** A second name for a file; a symbolic link is linked itself. */
  makeLink(from: number, fromName: Buffer, folder: number, name: Buffer): void
  remove(folder: number, name: Buffer, isFolder: boolean): void
  /** Of what the name is itself, a symbolic link too. */
  setOwner(folder: number, name: Buffer, uid: number, gid: number): void
  /** Of what is no symbolic link. */
  setMode(folder: number, name: Buffer, mode: number): void
  setTime(folder: number, name: Buffer, time: Timestamp): void
  setOpenTime(fd: number, time: Timestamp): void
  /** Extended attributes by a path of `pathIn`, of a symbolic link itself. */
  setXattr(path: Buffer, xattr: Xattr): void
  setOpenXattr(fd: number, xattr: Xattr): void
  xattrs(path: Buffer): readonly Xattr[]
  /** The stretches of an open file that are no holes. */
  dataRegions(fd: number, size: number): readonly { offset: number; length: number }[]
}

/** A path of a name in an open folder, for calls that take no descriptor: /proc leads to the folder itself. */
export const pathIn = (folder: number, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), withoutNul(name)])

/** To open a folder without following a link, and nothing else. */
export const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** To read a file. What has become a FIFO since it was looked at is not waited for. */
export const fileFlags = constants.O_RDONLY | constants.O_NONBLOCK

/** To make a file that was not there. */
export const createFlags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL

const prototypes = {
  openat: 'int openat(int folder, const uint8_t *name, int flags, unsigned int mode)',
  close: 'int close(int fd)',
  mkdirat: 'int mkdirat(int folder, const uint8_t *name, unsigned int mode)',
  mknodat: 'int mknodat(int folder, const uint8_t *name, unsigned int mode, uint64_t device)',
  symlinkat: 'int symlinkat(const uint8_t *target, int folder, const uint8_t *name)',
  linkat: 'int linkat(int from, const uint8_t *old, int folder, const uint8_t *name, int flags)',
  unlinkat: 'int unlinkat(int folder, const uint8_t *name, int flags)',
  fchownat: 'int fchownat(int folder, const uint8_t *name, unsigned int uid, unsigned int gid, int flags)',
  fchmodat: 'int fchmodat(int folder, const uint8_t *name, unsigned int mode, int flags)',
  utimensat: 'int utimensat(int folder, const uint8_t *name, const uint8_t *times, int flags)',
  futimens: 'int futimens(int fd, const uint8_t *times)',
  lsetxattr:
    'int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *value, size_t size, int flags)',
  fsetxattr: 'int fsetxattr(int fd, const uint8_t *name, const uint8_t *value, size_t size, int flags)',
  lgetxattr: 'int64_t lgetxattr(const uint8_t *path, const uint8_t *name, _Out_ uint8_t *value, size_t size)',
  llistxattr: 'int64_t llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)',
  lseek: 'int64_t lseek(int fd, int64_t offset, int whence)',
} as const

type Name = keyof typeof prototypes

const noFollow = 0x100
const removeFolder = 0x200
const [seekData, seekHole] = [3, 4]
/** What a value or a list of extended attributes is at most in Linux. */
const largestXattr = 64 * 1024

let bound: Promise<SystemCalls> | undefined

/** Throws UNSUPPORTED where the system is not Linux. */
export const loadSystemCalls = (): Promise<SystemCalls> => {
  bound ??= bindAll()
  return bound
}

const bindAll = async (): Promise<SystemCalls> => {
  if (process.platform !== 'linux')
    throw new LadingError(
      'UNSUPPORTED',
      `Cannot read or write a file tree on ${process.platform}: it takes Linux`,
    )
  const library = await loadCLibrary()
  const functions = Object.fromEntries(
    Object.entries(prototypes).map(([name, prototype]) => [name, library.bind(prototype)]),
  ) as Record<Name, LibraryFunction>
  const { openat, close, mkdirat, futimens } = functions
  const check = (result: number, name: Name, path: Buffer): number => {
    if (result >= 0) return result
    throw systemError(name, path, library.errno())
  }
  const call = (name: Name, path: Buffer, ...args: LibraryArguments): number =>
    check(functions[name](...args), name, path)
  const scratch = Buffer.alloc(largestXattr)
  return {
    // What every file takes is called straight.
    open: (folder, name, flags, mode = 0) =>
      check(openat(folder, text(name), flags | openFlags, mode), 'openat', name),
    close: fd => void close(fd),
    makeFolder: (folder, name, mode) => void check(mkdirat(folder, text(name), mode), 'mkdirat', name),
    makeNode: (folder, name, mode, major, minor) =>
      void call('mknodat', name, folder, text(name), mode, deviceNumber(major, minor)),
    makeSymlink: (target, folder, name) => void call('symlinkat', name, text(target), folder, text(name)),
    makeLink: (from, fromName, folder, name) =>
      void call('linkat', name, from, text(fromName), folder, text(name), 0),
    remove: (folder, name, isFolder) =>
      void call('unlinkat', name, folder, text(name), isFolder ? removeFolder : 0),
    setOwner: (folder, name, uid, gid) => void call('fchownat', name, folder, text(name), uid, gid, noFollow),
    setMode: (folder, name, mode) => void call('fchmodat', name, folder, text(name), mode, 0),
    setTime: (folder, name, time) =>
      void call('utimensat', name, folder, text(name), timesOf(time), noFollow),
    setOpenTime: (fd, time) => void check(futimens(fd, timesOf(time)), 'futimens', nothing),
    setXattr: (path, { name, value }) =>
      void call('lsetxattr', path, text(path), text(name), value, value.length, 0),
    setOpenXattr: (fd, { name, value }) =>
      void call('fsetxattr', name, fd, text(name), value, value.length, 0),
    xattrs: path => {
      const inC = text(path)
      const length = functions.llistxattr(inC, scratch, scratch.length)
      // A file system may know no attributes at all.
      if (length <= 0) return []
      const names = splitNames(Buffer.from(scratch.subarray(0, Number(length))))
      return names.map(name => {
        const size = call('lgetxattr', path, inC, text(name), scratch, scratch.length)
        return { name, value: Buffer.from(scratch.subarray(0, Number(size))) }
      })
    },
    dataRegions: (fd, size) => {
      const regions: { offset: number; length: number }[] = []
      for (let at = 0; at < size; ) {
        const from = Number(functions.lseek(fd, at, seekData))
        // Behind the last data there is no more to be found.
        if (from < 0 || from >= size) break
        const to = Math.min(Number(functions.lseek(fd, from, seekHole)), size)
        regions.push({ offset: from, length: to - from })
        at = to
      }
      return regions
    },
  }
}

const closeOnExec = 0o2000000
/** What every descriptor is opened with. */
const openFlags = constants.O_NOFOLLOW | closeOnExec | constants.O_NONBLOCK
const nothing = Buffer.alloc(0)

/** With its NUL, as C wants it. */
const text = (bytes: Buffer): Buffer =>
  bytes.length > 0 && bytes[bytes.length - 1] === 0 ? bytes : Buffer.concat([bytes, Buffer.from([0])])

const withoutNul = (name: Buffer): Buffer => {
  const end = name.indexOf(0)
  return end < 0 ? name : name.subarray(0, end)
}

const splitNames = (list: Buffer): readonly Buffer[] => {
  const names: Buffer[] = []
  for (let at = 0; at < list.length; ) {
    const end = list.indexOf(0, at)
    names.push(list.subarray(at, end))
    at = end + 1
  }
  return names
}

const times = Buffer.alloc(32)

/** struct timespec twice, access and modification: both are the time of the file. Good until the next call. */
const timesOf = ({ seconds, nanos }: Timestamp): Buffer => {
  for (const at of [0, 16]) {
    times.writeUInt32LE((seconds % 2 ** 32) >>> 0, at)
    times.writeInt32LE(Math.floor(seconds / 2 ** 32), at + 4)
    times.writeUInt32LE(nanos, at + 8)
  }
  return times
}

/** makedev(3) of glibc and the kernel. */
const deviceNumber = (major: number, minor: number): bigint => {
  const [a, b] = [BigInt(major), BigInt(minor)]
  return ((a & 0xfff_ff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xfff_fff00n) << 12n) | (b & 0xffn)
}

/** The other way round, of what stat(2) gives: gnu_dev_major and gnu_dev_minor. */
export const deviceOf = (number: bigint): { readonly major: number; readonly minor: number } => ({
  major: Number(((number >> 8n) & 0xfffn) | ((number >> 32n) & 0xfff_ff000n)),
  minor: Number((number & 0xffn) | ((number >> 12n) & 0xfff_fff00n)),
})

/** errno values of Linux that somebody asks for, or that a person may meet; the same on x86-64 and arm64. */
const codes: Readonly<Record<number, string>> = {
  ...{ 1: 'EPERM', 2: 'ENOENT', 5: 'EIO', 7: 'E2BIG', 12: 'ENOMEM', 13: 'EACCES', 17: 'EEXIST' },
  ...{ 18: 'EXDEV', 20: 'ENOTDIR', 21: 'EISDIR', 22: 'EINVAL', 24: 'EMFILE', 27: 'EFBIG', 28: 'ENOSPC' },
  ...{ 30: 'EROFS', 31: 'EMLINK', 34: 'ERANGE', 36: 'ENAMETOOLONG', 39: 'ENOTEMPTY', 40: 'ELOOP' },
  ...{ 75: 'EOVERFLOW', 95: 'ENOTSUP', 122: 'EDQUOT' },
}

/** As Node's own functions throw it. */
const systemError = (syscall: string, path: Buffer, errno: number): NodeJS.ErrnoException => {
  const code = codes[errno] ?? `E${errno}`
  const shown = visible(withoutNul(path))
  return Object.assign(new Error(`${code}: ${syscall} ${shown}`), {
    ...{ code, errno: -errno, syscall, path: shown },
  })
}
