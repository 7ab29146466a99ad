/**
 * A tree on disk as a table of contents, and its contents. Read through descriptors of folders, one name at a
 * time, no link followed. What is the machine's and not the tree's own stays out: labels of its security
 * modules, marks of its file systems. Other file systems below are empty folders; sockets have no place in a
 * tar. Both are told. Notes of an ordinary user's unpacking (rootless-notes.ts) are read back.
 */
import { closeSync, readdirSync, readlinkSync } from 'node:fs'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { EntryType, SparseRegion, TarEntry, Xattr } from '../../tar/entry.js'
import type { Toc } from '../toc.js'
import { TocBuilder } from '../toc-builder.js'
import type { FileStatus } from './file-status.js'
import { type Notes, type Owner, readNotes } from './rootless-notes.js'
import { fileFlags, folderFlags, loadSystemCalls, pathIn, type SystemCalls } from './system-calls.js'

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
  #device = 0
  #unpackedBy: Owner | undefined

  constructor(system: SystemCalls, root: number, { opaqueMark }: FolderOptions) {
    this.#opaqueMark = opaqueMark
    this.#system = system
    this.#root = root
  }

  read(): void {
    const status = this.#system.status(this.#root, nothing)
    this.#device = status.dev
    const notes = this.#notesOf(this.#root, here, '.')
    this.#unpackedBy = notes.unpackedBy
    this.#add(Buffer.from('./'), 'directory', status, notes)
    this.#readInto(this.#root, '', notes)
  }

  /** Names and paths are latin1, one character a byte: then they sort as bytes do. */
  #readInto(folder: number, path: string, { links }: Notes): void {
    for (const text of readdirSync(pathIn(folder, here), { encoding: 'latin1' }).sort()) {
      const name = Buffer.from(`${text}\0`, 'latin1')
      const below = `${path}${text}`
      const status = this.#system.status(folder, name)
      const type = types.get(status.mode & typeBits)
      if (type === undefined) {
        this.sockets.push(visible(Buffer.from(below, 'latin1')))
        continue
      }
      const owner = type === 'symlink' ? links?.get(text) : undefined
      whileReadable(this.#system, folder, name, status, () => {
        const found = this.#notesOf(folder, name, below)
        const notes = owner ? { ...found, owner } : found
        if (type === 'directory') this.#readFolder(folder, name, below, status, notes)
        else this.#readFile(folder, name, below, type, status, notes)
      })
    }
  }

  #readFolder(folder: number, name: Buffer, path: string, status: FileStatus, notes: Notes): void {
    this.#add(Buffer.from(`${path}/`, 'latin1'), 'directory', status, notes)
    if (status.dev !== this.#device) {
      this.mounts.push(visible(Buffer.from(path, 'latin1')))
      return
    }
    const fd = openSame(this.#system, folder, name, folderFlags, status)
    try {
      this.#readInto(fd, `${path}/`, notes)
    } finally {
      closeSync(fd)
    }
  }

  #readFile(folder: number, name: Buffer, at: string, type: EntryType, status: FileStatus, notes: Notes) {
    const path = Buffer.from(at, 'latin1')
    if (status.links > 1) {
      const key = `${status.dev} ${status.ino}`
      const first = this.#known.get(key)
      if (first !== undefined) return this.#add(path, 'hardlink', status, notes, { linkPath: first })
      this.#known.set(key, path)
    }
    if (type === 'symlink')
      return this.#add(path, type, status, notes, {
        linkPath: readlinkSync(pathIn(folder, name), { encoding: 'buffer' }),
      })
    if (type === 'file' && notes.node === undefined)
      return this.#add(path, type, status, notes, this.#extent(folder, name, status))
    const { major, minor } = notes.node ?? status
    const device = type === 'fifo' ? {} : { devMajor: major, devMinor: minor }
    return this.#add(path, notes.node?.type ?? type, status, notes, device)
  }

  /** Size, and where the holes are: only a file that takes less room than it is long can have any. */
  #extent(folder: number, name: Buffer, status: FileStatus): Particulars {
    const { size, blocks } = status
    if (blocks * 512 >= size) return { size, storedSize: size }
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

  #notesOf(folder: number, name: Buffer, path: string): Notes {
    const xattrs = this.#system.xattrs(pathIn(folder, name), this.#isWanted)
    if (xattrs.length === 0) return unnoted
    const isMark = ({ name }: Xattr) => name.toString('latin1') === this.#opaqueMark
    if (xattrs.some(xattr => isMark(xattr) && xattr.value.toString('latin1') === 'y')) this.opaque.push(path)
    return readNotes(xattrs.filter(xattr => !isMark(xattr)))
  }

  readonly #isWanted = (name: string): boolean => name === this.#opaqueMark || !machineOwn.test(name)

  /** Field by field: of ten thousand files each `...` is felt. */
  #add(path: Buffer, type: EntryType, status: FileStatus, notes: Notes, rest: Particulars = {}): void {
    const by = this.#unpackedBy
    const { owner } = notes
    const { size = 0, storedSize = 0, linkPath = nothing, devMajor = 0, devMinor = 0, sparse } = rest
    this.builder.add({
      path,
      type,
      mode: type === 'symlink' ? 0o777 : status.mode & 0o7777,
      uid: owner ? owner.uid : by?.uid === status.uid ? 0 : status.uid,
      gid: owner ? owner.gid : by?.gid === status.gid ? 0 : status.gid,
      uname: nothing,
      gname: nothing,
      mtime: status.mtime,
      size,
      linkPath,
      devMajor,
      devMinor,
      xattrs: notes.xattrs,
      headerOffset: 0,
      dataOffset: 0,
      storedSize,
      ...(sparse && { sparse }),
    })
  }
}

/** What an entry of its kind has besides. */
type Particulars = Partial<
  Pick<TarEntry, 'size' | 'storedSize' | 'linkPath' | 'devMajor' | 'devMinor' | 'sparse'>
>

const here = Buffer.from('.')
const nothing = Buffer.alloc(0)
const unnoted: Notes = { xattrs: [] }

/** Labels of security modules, measurements, marks of overlayfs and network file systems. */
const machineOwn =
  /^(?:security\.(?:selinux|apparmor|ima|evm|SMACK64.*)|(?:trusted|user)\.overlay\..*|system\.nfs4_acl|com\.apple\..*)$/

const typeBits = 0o170000

/** A socket is none of them. */
const types: ReadonlyMap<number, EntryType> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o010000, 'fifo'],
  [0o020000, 'character-device'],
  [0o060000, 'block-device'],
])

/** Open what its status has described. Throws UNSUPPORTED when it is another file by now. */
export const openSame = (
  system: SystemCalls,
  folder: number,
  name: Buffer,
  flags: number,
  { dev, ino }: FileStatus,
): number => {
  const fd = system.open(folder, name, flags)
  const opened = system.status(fd, nothing)
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
  status: FileStatus,
  work: () => Result,
): Result => {
  const mode = status.mode & 0o7777
  const type = types.get(status.mode & typeBits)
  const needed = type === 'directory' ? 0o500 : 0o400
  if ((mode & needed) === needed || type === 'symlink') return work()
  const user = process.geteuid!()
  if (user === 0 || status.uid !== user) return work()
  system.setMode(folder, name, mode | needed)
  try {
    return work()
  } finally {
    system.setMode(folder, name, mode)
  }
}
