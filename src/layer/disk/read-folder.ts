/**
 * A tree on disk as a table of contents, and its contents. Read through descriptors of folders, one name at a
 * time, no link followed. What is the machine's and not the tree's own stays out: labels of its security
 * modules, marks of its file systems. Other file systems below are empty folders; sockets have no place in a
 * tar. Both are told. Notes of an ordinary user's unpacking (rootless-notes.ts) are read back.
 */
import { type BigIntStats, closeSync, fstatSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { EntryType, SparseRegion, TarEntry, Xattr } from '../../tar/entry.js'
import type { Toc } from '../toc.js'
import { TocBuilder } from '../toc-builder.js'
import { type Notes, type Owner, readNotes } from './rootless-notes.js'
import {
  deviceOf,
  fileFlags,
  folderFlags,
  loadSystemCalls,
  pathIn,
  type SystemCalls,
} from './system-calls.js'

export interface FolderReading {
  /** The root first, folders before their content, names in byte order; `dataOffset` says nothing here. */
  readonly toc: Toc
  /** Paths of sockets. */
  readonly sockets: readonly string[]
  /** Paths of folders where another file system begins. */
  readonly mounts: readonly string[]
  /** Paths of folders that bear `opaqueMark`: latin1, one character a byte. */
  readonly opaque: readonly string[]
}

export interface FolderOptions {
  /** The attribute by which overlayfs says of a folder, by the value `y`, that it hides the lower ones. */
  readonly opaqueMark?: string
}

/** Read the tree below the folder that is open as `root`. */
export const readFolder = async (root: number, options: FolderOptions = {}): Promise<FolderReading> => {
  const reading = new Reading(await loadSystemCalls(), root, options)
  reading.read()
  const { builder, sockets, mounts, opaque } = reading
  return { toc: builder.finish(0), sockets, mounts, opaque }
}

class Reading {
  readonly builder = new TocBuilder()
  readonly sockets: string[] = []
  readonly mounts: string[] = []
  readonly opaque: string[] = []
  readonly #opaqueMark: string | undefined
  readonly #system: SystemCalls
  readonly #root: number
  /** First paths of files with several names. */
  readonly #known = new Map<string, Buffer>()
  #device = 0n
  #unpackedBy: Owner | undefined

  constructor(system: SystemCalls, root: number, { opaqueMark }: FolderOptions) {
    this.#opaqueMark = opaqueMark
    this.#system = system
    this.#root = root
  }

  read(): void {
    const status = fstatSync(this.#root, { bigint: true })
    this.#device = status.dev
    const notes = this.#notesOf(this.#root, here, here)
    this.#unpackedBy = notes.unpackedBy
    this.#add(Buffer.from('./'), 'directory', status, notes)
    this.#readInto(this.#root, '', notes)
  }

  #readInto(folder: number, path: string, { links }: Notes): void {
    const names = readdirSync(pathIn(folder, here), { encoding: 'buffer' }).sort(Buffer.compare)
    for (const name of names) {
      const below = Buffer.concat([Buffer.from(path, 'latin1'), name])
      const status = lstatSync(pathIn(folder, name), { bigint: true })
      const type = typeOf(status)
      const owner = type === 'symlink' ? links?.get(name.toString('latin1')) : undefined
      if (type === undefined) this.sockets.push(visible(below))
      else
        whileReadable(this.#system, folder, name, status, () => {
          const notes = { ...this.#notesOf(folder, name, below), ...(owner && { owner }) }
          if (type === 'directory') this.#readFolder(folder, name, below, status, notes)
          else this.#readFile(folder, name, below, type, status, notes)
        })
    }
  }

  #readFolder(folder: number, name: Buffer, path: Buffer, status: BigIntStats, notes: Notes): void {
    this.#add(Buffer.concat([path, slash]), 'directory', status, notes)
    if (status.dev !== this.#device) {
      this.mounts.push(visible(path))
      return
    }
    const fd = openSame(this.#system, folder, name, folderFlags, status)
    try {
      this.#readInto(fd, `${path.toString('latin1')}/`, notes)
    } finally {
      closeSync(fd)
    }
  }

  #readFile(folder: number, name: Buffer, path: Buffer, type: EntryType, status: BigIntStats, notes: Notes) {
    const key = `${status.dev} ${status.ino}`
    const first = this.#known.get(key)
    if (first === undefined && status.nlink > 1n) this.#known.set(key, path)
    if (first !== undefined) this.#add(path, 'hardlink', status, notes, { linkPath: first })
    else if (type === 'symlink')
      this.#add(path, type, status, notes, {
        linkPath: readlinkSync(pathIn(folder, name), { encoding: 'buffer' }),
      })
    else if (type === 'file' && notes.node === undefined)
      this.#add(path, type, status, notes, this.#extent(folder, name, status))
    else {
      const { major, minor } = notes.node ?? deviceOf(status.rdev)
      const device = type === 'fifo' ? {} : { devMajor: major, devMinor: minor }
      this.#add(path, notes.node?.type ?? type, status, notes, device)
    }
  }

  /** Size, and where the holes are: only a file that takes less room than it is long can have any. */
  #extent(folder: number, name: Buffer, status: BigIntStats): Partial<TarEntry> {
    const size = Number(status.size)
    if (status.blocks * 512n >= status.size) return { size, storedSize: size }
    const fd = openSame(this.#system, folder, name, fileFlags, status)
    let sparse: readonly SparseRegion[]
    try {
      sparse = this.#system.dataRegions(fd, size)
    } finally {
      closeSync(fd)
    }
    const stored = sparse.reduce((sum, { length }) => sum + length, 0)
    return stored === size ? { size, storedSize: size } : { size, storedSize: stored, sparse }
  }

  #notesOf(folder: number, name: Buffer, path: Buffer): Notes {
    const xattrs = this.#system.xattrs(pathIn(folder, name))
    if (xattrs.length === 0) return { xattrs }
    const isMark = ({ name, value }: Xattr) =>
      name.toString('latin1') === this.#opaqueMark && value.toString('latin1') === 'y'
    if (xattrs.some(isMark)) this.opaque.push(path.toString('latin1'))
    return readNotes(xattrs.filter(({ name }) => !machineOwn.test(name.toString('latin1'))))
  }

  #add(path: Buffer, type: EntryType, status: BigIntStats, notes: Notes, rest: Partial<TarEntry> = {}): void {
    const { uid, gid } = notes.owner ?? this.#ownerOf(status)
    this.builder.add({
      ...{ path, type, mode: type === 'symlink' ? 0o777 : Number(status.mode & 0o7777n), uid, gid },
      ...{ uname: none, gname: none, mtime: timeOf(status.mtimeNs), size: 0, linkPath: none },
      ...{ devMajor: 0, devMinor: 0, xattrs: notes.xattrs },
      ...{ headerOffset: 0, dataOffset: 0, storedSize: 0 },
      ...rest,
    })
  }

  #ownerOf({ uid, gid }: BigIntStats): Owner {
    const by = this.#unpackedBy
    return {
      uid: by && by.uid === Number(uid) ? 0 : Number(uid),
      gid: by && by.gid === Number(gid) ? 0 : Number(gid),
    }
  }
}

const here = Buffer.from('.')
const slash = Buffer.from('/')
const none = Buffer.alloc(0)

/** Labels of security modules, measurements, marks of overlayfs and network file systems. */
const machineOwn =
  /^(?:security\.(?:selinux|apparmor|ima|evm|SMACK64.*)|(?:trusted|user)\.overlay\..*|system\.nfs4_acl|com\.apple\..*)$/

const types = [
  ['isFile', 'file'],
  ['isDirectory', 'directory'],
  ['isSymbolicLink', 'symlink'],
  ['isFIFO', 'fifo'],
  ['isCharacterDevice', 'character-device'],
  ['isBlockDevice', 'block-device'],
] as const

/** Undefined for a socket. */
const typeOf = (status: BigIntStats): EntryType | undefined => types.find(([is]) => status[is]())?.[1]

/** Whole seconds round down, so that the nanoseconds count up from them also before 1970. */
const timeOf = (nanoseconds: bigint): TarEntry['mtime'] => {
  const nanos = ((nanoseconds % billion) + billion) % billion
  return { seconds: Number((nanoseconds - nanos) / billion), nanos: Number(nanos) }
}
const billion = 1_000_000_000n

/** Open what lstat has described. Throws UNSUPPORTED when it is another file by now. */
export const openSame = (
  system: SystemCalls,
  folder: number,
  name: Buffer,
  flags: number,
  { dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>,
): number => {
  const fd = system.open(folder, name, flags)
  const opened = fstatSync(fd, { bigint: true })
  if (opened.dev === dev && opened.ino === ino) return fd
  closeSync(fd)
  throw new LadingError('UNSUPPORTED', `${JSON.stringify(visible(name))} was replaced while it was read`)
}

/**
 * What its owner may not read is read all the same when the owner is who asks: its mode is another for a
 * moment (a tree from an image has such files, and umoci does so too).
 */
export const whileReadable = <Result>(
  system: SystemCalls,
  folder: number,
  name: Buffer,
  status: BigIntStats,
  work: () => Result,
): Result => {
  const mode = Number(status.mode & 0o7777n)
  const needed = status.isDirectory() ? 0o500 : 0o400
  if ((mode & needed) === needed || status.isSymbolicLink()) return work()
  const user = process.geteuid!()
  if (user === 0 || Number(status.uid) !== user) return work()
  system.setMode(folder, name, mode | needed)
  try {
    return work()
  } finally {
    system.setMode(folder, name, mode)
  }
}
