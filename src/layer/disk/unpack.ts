/**
 * A tree of entries made real below an open folder. Each folder is opened once and everything in it is made
 * through its descriptor, by name, never through a path that somebody could bend; what is made is new, so
 * nothing is ever written through a link. A file gets its owner, then attributes, then mode (a change of owner
 * takes setuid and capabilities away), then its time; a folder all of that when everything in it is there.
 */
import { closeSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import { LadingError } from '../../spec/errors.js'
import { visible } from '../../spec/escape.js'
import type { Xattr } from '../../tar/entry.js'
import type { Content, Contents } from '../content.js'
import type { FlatEntry } from '../flat-entry.js'
import { AttributeWriter, epoch, type UnpackLosses } from './attribute-writer.js'
import { linksNote, nodeNote, type Owner, unpackedByNote } from './rootless-notes.js'
import { createFlags, folderFlags, loadSystemCalls, pathIn, type SystemCalls } from './system-calls.js'
import { writeContent } from './write-content.js'

/**
 * Make `entries` (parents first, targets before their links, as flatEntries gives them) in the folder that is
 * open as `root`, which is empty. An ordinary user's notes are those of rootless-notes.ts. Throws what the file
 * system says, ENOSPC and the like, with the path.
 */
export const unpack = async (
  entries: Iterable<FlatEntry>,
  contents: Contents,
  root: number,
  onBytes: (count: number) => void = () => {},
): Promise<UnpackLosses> => {
  const unpacking = new Unpacking(await loadSystemCalls(), contents, root, onBytes)
  try {
    for (const entry of entries) await unpacking.add(entry)
    unpacking.finish()
    return unpacking.losses
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== undefined && error instanceof Error && !(error instanceof LadingError))
      error.message = `${JSON.stringify(unpacking.at)}: ${message}`
    throw error
  } finally {
    unpacking.close()
  }
}

type Entry = FlatEntry['entry']

interface OpenFolder {
  /** Latin1, without a slash at the end; '' for the root. */
  readonly path: string
  readonly fd: number
  readonly entry: Entry | undefined
  /** Owners of symbolic links in it that could not be given. */
  readonly links: (readonly [Buffer, Owner])[]
}

class Unpacking {
  /** The path at hand, for messages. */
  at = ''
  readonly #system: SystemCalls
  readonly #attributes: AttributeWriter
  readonly #contents: Contents
  readonly #onBytes: (count: number) => void
  readonly #folders: OpenFolder[]
  readonly #root: number
  #rootEntry: Entry | undefined
  #sinceBreath = 0

  constructor(system: SystemCalls, contents: Contents, root: number, onBytes: (count: number) => void) {
    this.#system = system
    this.#attributes = new AttributeWriter(system)
    this.#contents = contents
    this.#onBytes = onBytes
    this.#root = root
    this.#folders = [{ path: '', fd: root, entry: undefined, links: [] }]
  }

  async add({ entry, content }: FlatEntry): Promise<void> {
    const path = entry.path.toString('latin1').replace(/\/$/, '')
    this.at = visible(Buffer.from(path, 'latin1'))
    if (path === '.') {
      this.#rootEntry = entry
      return
    }
    const folder = this.#enter(path.slice(0, Math.max(path.lastIndexOf('/'), 0)))
    const name = Buffer.from(path.slice(path.lastIndexOf('/') + 1), 'latin1')
    if (entry.type === 'directory') {
      this.#system.makeFolder(folder.fd, name, 0o700)
      const fd = this.#system.open(folder.fd, name, folderFlags)
      this.#folders.push({ path, fd, entry, links: [] })
    } else if (entry.type === 'hardlink') this.#link(folder, name, entry.linkPath!.toString('latin1'))
    else if (entry.type === 'symlink') this.#symlink(folder, name, entry)
    else if (entry.type === 'file') await this.#file(folder, name, entry, content)
    else this.#node(folder, name, entry)
    // Progress and signals get their turn.
    if (++this.#sinceBreath > 1000) {
      this.#sinceBreath = 0
      await breathe()
    }
  }

  get losses(): UnpackLosses {
    return this.#attributes.losses
  }

  /** Give the folders that are still open what is theirs. */
  finish(): void {
    while (this.#folders.length > 1) this.#leave()
    const root = this.#folders[0]!
    this.#finishFolder({ ...root, entry: this.#rootEntry })
  }

  close(): void {
    for (const { fd } of this.#folders.splice(1)) closeSync(fd)
  }

  /** The folder at `path`, which entries come to in order: those that are behind us are done. */
  #enter(path: string): OpenFolder {
    for (;;) {
      const folder = this.#folders.at(-1)!
      if (folder.path === path) return folder
      if (this.#folders.length === 1)
        throw new LadingError(
          'BAD_TAR',
          `${JSON.stringify(visible(Buffer.from(path, 'latin1')))} is not there yet`,
        )
      this.#leave()
    }
  }

  #leave(): void {
    const folder = this.#folders.at(-1)!
    this.#finishFolder(folder)
    this.#folders.pop()
    closeSync(folder.fd)
  }

  #finishFolder({ fd, entry, links, path }: OpenFolder): void {
    const notes: Xattr[] = []
    if (links.length > 0) notes.push(linksNote(links))
    if (path === '' && !this.#attributes.privileged) notes.push(unpackedByNote(this.#attributes.self))
    for (const note of notes)
      if (!this.#attributes.set(pathIn(fd, here), note))
        this.#attributes.losses.owners += Math.max(links.length, 1)
    this.#attributes.finish(fd, pathIn(fd, here), entry ?? { path: here, type: 'directory', mode: 0o755 })
  }

  #link(folder: OpenFolder, name: Buffer, target: string): void {
    const parts = target.split('/')
    const last = Buffer.from(parts.pop()!, 'latin1')
    let from = this.#root
    try {
      for (const part of parts) {
        const next = this.#system.open(from, Buffer.from(part, 'latin1'), folderFlags)
        if (from !== this.#root) closeSync(from)
        from = next
      }
      this.#system.makeLink(from, last, folder.fd, name)
    } finally {
      if (from !== this.#root) closeSync(from)
    }
  }

  #symlink(folder: OpenFolder, name: Buffer, entry: Entry): void {
    const { uid = 0, gid = 0 } = entry
    this.#system.makeSymlink(entry.linkPath!, folder.fd, name)
    if (this.#attributes.privileged) {
      if (uid !== this.#attributes.self.uid || gid !== this.#attributes.self.gid)
        this.#system.setOwner(folder.fd, name, uid, gid)
    } else if (uid !== 0 || gid !== 0) folder.links.push([name, { uid, gid }])
    for (const xattr of entry.xattrs ?? [])
      if (!this.#attributes.set(pathIn(folder.fd, name), xattr)) this.#attributes.losses.xattrs++
    this.#attributes.losses.records += entry.records?.length ?? 0
    this.#system.setTime(folder.fd, name, entry.mtime ?? epoch)
  }

  /** A device or a FIFO; where that is not allowed, an empty file with a note. */
  #node(folder: OpenFolder, name: Buffer, entry: Entry): void {
    const { uid = 0, gid = 0, mode = 0, devMajor = 0, devMinor = 0, type } = entry
    const real =
      this.#attributes.privileged || (type === 'fifo' && uid === 0 && gid === 0 && !entry.xattrs?.length)
    if (real) {
      try {
        this.#system.makeNode(
          folder.fd,
          name,
          typeBits[type as keyof typeof typeBits] | 0o600,
          devMajor,
          devMinor,
        )
        const path = pathIn(folder.fd, name)
        if (this.#attributes.privileged) this.#system.setOwner(folder.fd, name, uid, gid)
        this.#attributes.setAll(path, entry)
        this.#system.setMode(folder.fd, name, mode)
        this.#system.setTime(folder.fd, name, entry.mtime ?? epoch)
        return
      } catch (error) {
        // In a user namespace root may not make devices either.
        if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
      }
    }
    const fd = this.#system.open(folder.fd, name, createFlags, 0o600)
    try {
      const path = pathIn(folder.fd, name)
      if (!this.#attributes.set(path, nodeNote({ type, major: devMajor, minor: devMinor })))
        this.#attributes.losses.devices++
      this.#attributes.finish(fd, path, entry)
    } finally {
      closeSync(fd)
    }
  }

  async #file(folder: OpenFolder, name: Buffer, entry: Entry, content: Content | undefined): Promise<void> {
    const fd = this.#system.open(folder.fd, name, createFlags, 0o600)
    try {
      if (content !== undefined && content.entry.size > 0)
        await writeContent(fd, content, this.#contents, this.#onBytes)
      this.#attributes.finish(fd, pathIn(folder.fd, name), entry)
    } finally {
      closeSync(fd)
    }
  }
}

const here = Buffer.from('.')
const typeBits = { 'character-device': 0o020000, 'block-device': 0o060000, fifo: 0o010000 } as const
